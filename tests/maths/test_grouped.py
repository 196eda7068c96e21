import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curator.maths import grouped
from curator.maths.grouped import Groups, join_groups


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 8, 16, 30, 31, 90])), min_size=1, max_size=40),
    st.sampled_from([0.5, 0.9, 0.99]),
    st.sampled_from([(0, 0), (0, 10**9), (4, 30), (10**9, 10**9)]),
)
def test_it_finds_what_brute_force_finds_inside_groups_and_between_them(told, threshold, tiers):
    label = np.array([group for group, _ in told])
    turned = np.radians([degrees for _, degrees in told])
    vectors = np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)
    g, h = np.array([0, 1, 2, 3, 0, 2]), np.array([0, 1, 2, 3, 1, 3])
    few, many = grouped.FEW, grouped.MANY
    grouped.FEW, grouped.MANY = tiers
    try:
        i, j, alike = join_groups(vectors, Groups.of(label, 4), g, h, threshold)
    finally:
        grouped.FEW, grouped.MANY = few, many

    cosine = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    wanted = {tuple(sorted(pair)) for pair in zip(g.tolist(), h.tolist(), strict=True)}
    expected = [
        (a, b)
        for a in range(len(told))
        for b in range(a + 1, len(told))
        if cosine[a, b] >= threshold and tuple(sorted((label[a], label[b]))) in wanted
    ]
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected
    assert np.allclose(alike, [cosine[pair] for pair in expected], atol=1e-12)

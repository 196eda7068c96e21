"""The split of variation against mixtures whose shares are known, and by hand."""

import numpy as np
import pytest

from curator.maths.variation import Part, split_variation


def shares(parts: list[Part]) -> list[float]:
    return [part.share for part in parts]  # type: ignore[misc]  # they are there


def crowd(scenarios: int, roles: int, people: int, repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everybody judges everything `repeats` times: units, roles, people."""
    grid = np.indices((scenarios, roles, people, repeats)).reshape(4, -1)
    return grid[0], grid[1], grid[1] * people + grid[2]


def broadcast(level: np.ndarray, repeats: int) -> np.ndarray:
    return np.repeat(level.ravel(), repeats)


@pytest.mark.parametrize("redrawn", [(0.1, 0.2, 0.5), (0.3, 0.3, 0.0), (0.0, 0.0, 0.6), (0.4, 0.1, 0.2)])
def test_shares_of_a_known_mixture_of_labels_are_found_within_five_points(redrawn: tuple[float, float, float]) -> None:
    """Each role takes over the scenario's label or draws anew; so does each person, and each answer of theirs."""
    by_answer, by_person, by_role = redrawn
    chance, size, shape = np.random.default_rng(3), 3, (1500, 3, 3, 2)

    def copied(above: np.ndarray, anew: float, shape: tuple[int, ...]) -> np.ndarray:
        held = np.broadcast_to(above[..., None], shape)
        return np.where(chance.random(shape) < anew, chance.integers(0, size, shape), held)

    scenario = chance.integers(0, size, shape[0])
    role = copied(scenario, by_role, shape[:2])
    person = copied(role, by_person, shape[:3])
    value = copied(person, by_answer, shape)
    keep = [(1 - by_answer) ** 2, (1 - by_person) ** 2, (1 - by_role) ** 2]  # both of two kept what stood above
    apart = [1 - keep[0], 1 - keep[0] * keep[1], 1 - keep[0] * keep[1] * keep[2]]
    expected = np.diff([0, *apart]) / apart[-1]

    found = split_variation(*crowd(*shape), value.ravel().astype(float), draws=50)

    assert shares(found) == pytest.approx(expected, abs=0.05)
    for part, truth in zip(found, expected, strict=True):
        assert part.low - 0.03 <= truth <= part.high + 0.03  # type: ignore[operator]  # they are there


@pytest.mark.parametrize("spread", [(0.5, 0.7, 1.5), (1.0, 1.0, 0.2), (0.6, 1.6, 0.6)])
def test_shares_of_a_known_mixture_of_numbers_are_found_within_five_points(spread: tuple[float, float, float]) -> None:
    chance, shape = np.random.default_rng(4), (1500, 3, 3, 2)
    value = np.zeros(shape)
    for scale, axes in zip((2.0, *reversed(spread)), (1, 2, 3, 4), strict=True):
        value += chance.normal(0, scale, shape[:axes]).reshape(shape[:axes] + (1,) * (4 - axes))
    expected = np.square(spread) / np.square(spread).sum()

    found = split_variation(*crowd(*shape), value.ravel(), level="interval", draws=50)

    assert shares(found) == pytest.approx(expected, abs=0.05)


def test_marks_on_a_scale_of_seven_are_found_within_five_points_by_their_order() -> None:
    chance, shape, spread = np.random.default_rng(5), (1500, 3, 3, 2), (0.6, 0.6, 1.2)
    value = np.zeros(shape)
    for scale, axes in zip((0.3, *reversed(spread)), (1, 2, 3, 4), strict=True):
        value += chance.normal(0, scale, shape[:axes]).reshape(shape[:axes] + (1,) * (4 - axes))
    marks = np.clip(np.round(value * 1.2) + 3, 0, 6)
    expected = np.square(spread) / np.square(spread).sum()

    found = split_variation(*crowd(*shape), marks.ravel(), level="ordinal", draws=50)

    assert shares(found) == pytest.approx(expected, abs=0.05)


def test_by_hand() -> None:
    """Roles always differ, people of one role never, and one person in one of two scenarios contradicts themselves."""
    unit = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    role = np.array([0, 0, 0, 1, 0, 0, 0, 1])
    who = np.array([0, 0, 1, 2, 0, 0, 1, 2])
    value = np.array([0, 0, 0, 1, 0, 1, 0, 1], float)

    person, within, between = split_variation(unit, role, who, value, draws=20)

    assert (person.amount, person.scenarios) == (0.25, 2), "half of the repeats differ; half of that is the variance"
    assert within.amount == 0.0, "1/4 of the pairs in the role differ, less than in a person: below zero is zero"
    assert between.amount == round((1 + 2 / 3) / 2 / 2 - 1 / 8, 6)


def test_without_repeats_what_is_within_a_person_is_unknown_and_says_so() -> None:
    unit, role, who = crowd(40, 2, 2, 1)
    value = np.random.default_rng(1).integers(0, 2, len(unit)).astype(float)

    person, within, between = split_variation(unit, role, who, value, draws=20)

    assert (person.amount, person.share, person.scenarios) == (None, None, 0)
    assert person.why == "nobody judged a scenario twice, so it cannot be told from what differs within a role"
    assert within.share + between.share == pytest.approx(1)  # type: ignore[operator]  # both are there


def test_one_person_a_role_leaves_roles_and_people_untold() -> None:
    unit, role, who = crowd(10, 2, 1, 1)

    parts = split_variation(unit, role, who, role.astype(float), draws=20)

    assert [part.amount for part in parts] == [None, None, None]
    assert parts[2].why == parts[1].why == "no scenario was judged by two people of one role"


def test_one_role_alone_has_nothing_between_roles() -> None:
    unit, role, who = crowd(10, 1, 3, 1)

    parts = split_variation(unit, role, who, (who % 2).astype(float), draws=20)

    assert parts[1].amount == pytest.approx(1 / 3)
    assert (parts[2].amount, parts[2].why) == (None, "no scenario was judged by two roles")


def test_where_all_agree_and_where_there_is_nobody_there_is_no_share_and_no_nan() -> None:
    unit, role, who = crowd(5, 2, 2, 2)
    nobody = np.array([], np.int64)

    agreed = split_variation(unit, role, who, np.zeros(len(unit)), draws=20)
    empty = split_variation(nobody, nobody, nobody, np.array([]), draws=20)

    assert {(part.amount, part.share, part.why) for part in agreed} == {
        (0.0, None, "nobody differed from anybody, so there is nothing to share out")
    }
    assert [part.share for part in empty] == [None] * 3
    assert all(part.why for part in empty)

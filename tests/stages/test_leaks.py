import pytest

from curator.errors import PolicyError
from curator.stages.leaks import leaks
from tests.stages.placing import placed


def test_a_telling_of_a_training_scenario_in_the_test_ends_the_run() -> None:
    told = placed(
        a={"scenario": "s1", "split": "train"},
        b={"scenario": "s2", "split": "test", "_situation": 8},
        c={"scenario": "s3", "split": "validation", "_situation": 20},
        d={"scenario": "s4", "split": "test", "_situation": 90},
    )

    with pytest.raises(PolicyError) as caught:
        leaks(told)

    assert str(caught.value) == (
        "2 pairs of scenarios stand in train and in another split; the closest are 0.990 alike: s1 and s2 (test). "
        "No dataset was made. Lower scenarios.threshold so that they stay together."
    )


def test_what_is_alike_outside_of_train_is_no_leak() -> None:
    told = placed(
        a={"scenario": "s1", "split": "train"},
        b={"scenario": "s2", "split": "test", "_situation": 90},
        c={"scenario": "s3", "split": "out_of_context", "_situation": 91},
        d={"scenario": "s4", "split": "train", "_situation": 1},
    )

    outcome = leaks(told)

    assert outcome.rows.equals(told)
    assert outcome.decisions.is_empty()
    assert outcome.measures == {"compared": 4, "closest": 0.0175}  # cos 89


def test_scenarios_out_of_context_are_compared_too() -> None:
    told = placed(a={"scenario": "s1", "split": "train"}, b={"scenario": "s2", "split": "out_of_context"})

    with pytest.raises(PolicyError, match=r"s1 and s2 \(out_of_context\)"):
        leaks(told)


def test_the_threshold_is_a_setting() -> None:
    told = placed(a={"scenario": "s1", "split": "train"}, b={"scenario": "s2", "split": "test", "_situation": 30})

    assert leaks(told).measures == {"compared": 1, "closest": 0.866}
    with pytest.raises(PolicyError):
        leaks(told, threshold=0.86)


def test_with_nothing_to_compare_nothing_is_claimed() -> None:
    assert leaks(placed(a={"split": "train"})).measures == {"compared": 0, "closest": None}
    assert leaks(placed(a={"split": "test"}).head(0)).measures == {"compared": 0, "closest": None}

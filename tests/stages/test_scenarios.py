from curator.stages.scenarios import scenarios
from tests.stages.placing import placed


def groups(threshold: float = 0.85, **told: dict[str, object]) -> dict[str, str]:
    outcome = scenarios(placed(**told).drop("group"), threshold=threshold)
    return dict(outcome.rows.select("id", "group").iter_rows())


def test_two_tellings_of_one_event_stay_together_under_the_smaller_name() -> None:
    assert groups(
        a={"scenario": "t2", "_situation": 0},
        b={"scenario": "t1", "_situation": 10},
        c={"scenario": "t3", "_situation": 60},
    ) == {"a": "t1", "b": "t1", "c": "t3"}


def test_a_chain_of_tellings_is_one_group() -> None:
    chain = {f"r{n}": {"scenario": f"t{n}", "_situation": 25 * n} for n in range(4)}  # .906 alike, next but one .643

    assert set(groups(**chain).values()) == {"t0"}


def test_the_context_does_not_part_what_a_split_must_keep_together() -> None:
    told = {"a": {"scenario": "t1", "_context": 0}, "b": {"scenario": "t2", "_context": 180}}

    assert groups(**told) == {"a": "t1", "b": "t1"}


def test_the_threshold_counts_itself_in() -> None:
    told = {"a": {"scenario": "t1", "_situation": 0}, "b": {"scenario": "t2", "_situation": 60}}

    assert groups(0.4999, **told) == {"a": "t1", "b": "t1"}
    assert groups(0.5001, **told) == {"a": "t1", "b": "t2"}


def test_the_pairs_and_counts_are_written_down_and_nothing_is_dropped() -> None:
    told = placed(
        a={"scenario": "t1"},
        b={"scenario": "t1"},
        c={"scenario": "t2", "_situation": 8},
        d={"scenario": "t3", "_situation": 90},
    )

    outcome = scenarios(told.drop("group"))

    assert outcome.tables["scenario_pairs"].rows() == [("t1", "t2", 0.9903)]
    assert outcome.measures == {"scenarios": 3, "groups": 2, "pairs": 1}
    assert outcome.decisions.is_empty()
    assert outcome.rows["id"].to_list() == ["a", "b", "c", "d"]


def test_no_rows_are_no_trouble() -> None:
    outcome = scenarios(placed(a={}).drop("group").head(0))

    assert outcome.rows.height == 0
    assert "group" in outcome.rows.columns

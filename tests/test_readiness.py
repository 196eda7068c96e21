from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from curator.pack import Pack
from curator.readiness import answers as readiness
from curator.readiness import texts as readiness_texts
from curator.readiness import training as readiness_training
from curator.readiness.answers import Check, Evidence, Finding
from curator.stage import Given
from curator.stages.agreement import agreement
from tests.conftest import rows

FOUR = ("employee", "manager", "hr", "outside_expert")


def told(count: int, split: str = "train", **same: Any) -> dict[str, dict[str, Any]]:
    """So many answers, each to a situation of its own, roles, people and teams in turn unless `same` says who."""
    made = {}
    for n in range(count):
        role = FOUR[n % 4]
        line = {
            "situation": f"{split} situation {n} of the ward.",
            "stakeholder": role,
            "annotator": f"{role}-{n // 4 % 4}",
            "team": f"team-{n // 4 % 3}",
            "analysis": f"Nobody was asked about matter number {n}, and that hurts.",
        }
        made[f"{split}{n:03}"] = {**line, **same}
    return made


def given(pack: Pack, train: dict[str, Any], test: dict[str, Any] | None = None, **more: Any) -> Evidence:
    frame = rows(**train, **(test or {}))
    split = pl.when(pl.col("id").is_in(list(train))).then(pl.lit("train")).otherwise(pl.lit("test")).alias("split")
    frame = frame.with_columns(split, pl.col("scenario").alias("group"))
    steps = [
        {"step": "redact", "dropped": 0, "measures": {"found": {}, "names": "off"}},
        {"step": "duplicates", "dropped": 3, "measures": {}},
        {"step": "leaks", "dropped": 0, "measures": {"closest": 0.5}},
    ]
    manifest = {"pack": pack.model_dump(), "steps": steps, "recipe": [{"use": "leaks", "threshold": 0.9}]}
    return Evidence(manifest | more.pop("manifest", {}), frame, **more)


def look(check: Check, evidence: Evidence) -> list[Finding]:
    return list(check(evidence))


def one(check: Check, evidence: Evidence) -> tuple[str, str, str]:
    """The only finding of a check: its level, its number and what to do next."""
    (found,) = check(evidence)
    return found.level, found.number, found.next


@pytest.mark.parametrize(
    ("count", "level", "next"),
    [
        (49, "stop", "collect about 2 more answers: push more scenarios, then curator pull, curator curate"),
        (50, "warn", "collect about 55 more answers: push more scenarios, then curator pull, curator curate"),
        (99, "warn", "collect about 2 more answers: push more scenarios, then curator pull, curator curate"),
        (100, "pass", ""),
    ],
)
def test_fifty_examples_are_the_least_and_a_hundred_the_usual(pack: Pack, count: int, level: str, next: str) -> None:
    assert one(readiness.examples, given(pack, told(count), told(5, "test"))) == (level, f"{count} in train", next)


def test_where_most_answers_left_the_step_is_named_and_not_more_answers_asked_for(pack: Pack) -> None:
    left = [{"action": "drop", "reason": "no analysis", "rows": 107}, {"action": "drop", "reason": "other", "rows": 2}]
    steps = [{"step": "validate", "given": 110, "dropped": 109, "decisions": left, "measures": {}}]

    level, number, next = one(readiness.examples, given(pack, {}, told(1, "test"), manifest={"steps": steps}))

    assert (level, number) == ("stop", "0 in train")
    assert next == "107 of 110 answers left at validate (no analysis): curator dropped --step validate"


def test_an_empty_set_passes_no_check_of_people_or_texts(pack: Pack) -> None:
    nothing = given(pack, {})

    assert look(readiness_training.consent, nothing) == look(readiness_texts.personal_data, nothing) == []


def test_a_field_that_is_held_out_whole_asks_for_no_answers(pack: Pack) -> None:
    train, held = told(80, domain="retail"), told(4, "test", domain="care")

    assert one(readiness.cells, given(pack, train, held)) == ("pass", "least: 20", "")


def test_without_a_split_nothing_else_counts(pack: Pack) -> None:
    evidence = Evidence({"pack": pack.model_dump(), "steps": [], "recipe": []}, rows(**told(200)))

    assert one(readiness.examples, evidence)[:2] == ("stop", "no split")
    assert look(readiness.leaks, evidence) == []


def test_the_thinnest_role_is_named_and_so_is_one_that_never_spoke(pack: Pack) -> None:
    some = {id: row for id, row in told(96).items() if row["stakeholder"] != "hr"}

    assert one(readiness.roles, given(pack, told(96))) == ("pass", "least: 24 (employee)", "")
    assert one(readiness.roles, given(pack, some)) == ("warn", "least: 0 (hr)", "collect 24 more from hr")


def test_the_thinnest_cell_says_how_many_to_collect_from_whom(pack: Pack) -> None:
    train = told(80, domain="retail") | {"x": {**told(1)["train000"], "domain": "care", "stakeholder": "manager"}}

    level, number, next = one(readiness.cells, given(pack, train))

    assert (level, number) == ("warn", "4 of 8 thin, least: 0")
    assert next == "collect 20 more from employee in care, 20 more from hr in care, 20 more from outside_expert in care"
    assert one(readiness.cells, given(pack, told(80, domain="retail")))[:2] == ("pass", "least: 20")


def test_a_set_labelled_by_management_only_stops(pack: Pack) -> None:
    found = {
        f.name: (f.level, f.number) for f in readiness.largest_shares(given(pack, told(80, stakeholder="manager")))
    }

    assert found["largest role"] == ("stop", "100 % (manager)")
    assert found["largest team"] == ("pass", "35 % (team-0)")


def test_one_team_is_warned_of_and_one_person_stops(pack: Pack) -> None:
    found = {f.name: f for f in readiness.largest_shares(given(pack, told(40, team="harbor", annotator="annotator-x")))}

    assert (found["largest team"].level, found["largest team"].number) == ("warn", "100 % (harbor)")
    assert found["largest team"].next == "collect from another team, or use the model in this team only"
    assert (found["largest person"].level, found["largest person"].number) == ("stop", "100 % (annotator-x)")
    assert found["largest role"].level == "pass"


def judged(pack: Pack, verdicts: list[tuple[str, str]], role: str = "hr") -> Evidence:
    """Two people of a role on one scenario after another."""
    made = {}
    for n, pair in enumerate(verdicts):
        for who, verdict in zip("ab", pair, strict=True):
            line = {"stakeholder": role, "annotator": who, "verdict": verdict, "situation": f"Situation {n}."}
            made[f"{n}{who}"] = line
    evidence = given(pack, made)
    tables = agreement.function(evidence.examples, Given(key=b"k", pack=pack), draws=200).tables
    return Evidence(evidence.manifest, evidence.examples, tables)


SAME = [("reasonable", "reasonable"), ("manipulative", "manipulative")] * 8
OPPOSED = [("reasonable", "manipulative"), ("manipulative", "reasonable")] * 8


def test_a_role_that_agrees_passes_and_one_that_does_not_is_warned_of(pack: Pack) -> None:
    agrees, differs = (
        look(readiness.role_agreement, judged(pack, SAME)),
        one(readiness.role_agreement, judged(pack, OPPOSED)),
    )

    assert [(f.name, f.level, f.number) for f in agrees] == [
        ("agreement: hr", "pass", "1.00 (1.00 to 1.00), 16 scenarios")
    ]
    assert differs[0] == "warn"
    assert differs[1].startswith("-0.94 (")


def test_agreement_that_is_undefined_says_why(pack: Pack) -> None:
    (found,) = readiness.role_agreement(judged(pack, SAME[:1]))

    assert (found.level, found.number) == ("warn", "undefined")
    assert found.why == "Undefined: fewer than two scenarios were judged twice."
    assert found.next == "let two of hr judge the same ten scenarios"


def test_verdicts_at_opposite_ends_of_one_role_are_contradictions(pack: Pack) -> None:
    mixed = judged(pack, [*SAME[:3], ("reasonable", "manipulative"), ("questionable", "manipulative")])

    assert one(readiness.contradictions, mixed)[:2] == ("pass", "1 of 5 (20 %)")
    assert one(readiness.contradictions, judged(pack, OPPOSED))[:2] == ("warn", "16 of 16 (100 %)")
    assert one(readiness.contradictions, given(pack, told(8)))[:2] == ("warn", "nothing to compare")


def test_words_that_stand_twice_are_counted_whatever_their_case(pack: Pack) -> None:
    twice = told(8) | {
        "x": {**told(1)["train000"], "analysis": "NOBODY was asked about matter number 0 and that hurts!"}
    }

    assert one(readiness.near_duplicates, given(pack, told(8)))[:2] == ("pass", "0 left, 3 merged")
    assert one(readiness.near_duplicates, given(pack, twice)) == (
        "warn",
        "1 left, 3 merged",
        "look at them: curator near",
    )
    assert one(readiness.near_duplicates, given(pack, told(8), manifest={"steps": []}))[:2] == (
        "warn",
        "not looked for",
    )


def test_a_scenario_on_both_sides_is_a_leak_whatever_the_manifest_says(pack: Pack) -> None:
    both = {"y": {**told(1)["train000"], "annotator": "other"}}

    assert one(readiness.leaks, given(pack, told(8), told(4, "test")))[:2] == ("pass", "0 shared, closest 0.50")
    assert one(readiness.leaks, given(pack, told(8), both))[:2] == ("stop", "1 shared")
    assert one(readiness.leaks, given(pack, told(8), manifest={"steps": []}))[:2] == ("stop", "not looked for")


def test_a_person_who_writes_much_longer_or_louder_than_their_role_is_named(pack: Pack) -> None:
    words = "The rota was changed without a word to anybody on the floor. "
    made = {
        f"{who}{n}": {
            "stakeholder": "hr",
            "annotator": who,
            "situation": f"S {who}{n}.",
            "analysis": words * times + mark,
        }
        for who, times, mark in (("ann", 1, ""), ("bob", 1, ""), ("cat", 4, "You must know THAT!"))
        for n in range(6)
    }
    length, tone = readiness_texts.form(given(pack, made))

    assert (length.level, length.number) == ("warn", "1 oddity, 3 people compared")
    assert "cat (hr) 52 words, the role 12" in length.next
    assert tone.number == "3 oddities, 3 people compared"
    assert "cat (hr) exclamation: 100 %, the role 0 %; cat (hr) capitals: 100 %, the role 0 %" in tone.next
    assert [f.number for f in readiness_texts.form(given(pack, told(8)))] == ["nobody to compare"] * 2


@pytest.mark.parametrize(("models", "level"), [(1, "pass"), (2, "warn"), (6, "stop")])
def test_text_that_a_model_wrote_is_warned_of_and_then_stops(pack: Pack, models: int, level: str) -> None:
    train = {id: {**row, "origin": "model" if n < models else "human"} for n, (id, row) in enumerate(told(10).items())}

    assert one(readiness_texts.origin, given(pack, train))[:2] == (level, f"{models}0 %")


def test_an_address_that_is_left_in_any_split_stops(pack: Pack) -> None:
    left = {"y": {"situation": "Another one.", "analysis": "Write to ines.calder@harbor.example about it."}}
    tagged = {"y": {"situation": "Another one.", "analysis": "Write to [email a1b2] about it."}}

    assert one(readiness_texts.personal_data, given(pack, told(4), left))[:2] == ("stop", "1 email")
    assert one(readiness_texts.personal_data, given(pack, told(4), tagged))[:2] == ("pass", "none by shape")
    assert one(readiness_texts.personal_data, given(pack, told(4), manifest={"steps": []}))[0] == "warn"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("By 3 March the rota stood.", ["date"]),
        ("It is 2024 and nothing moved.", ["year"]),
        ("The bonus was €400.", ["price"]),
        ("He paid 400 dollars.", ["price"]),
        ("We run version 2 of the tool.", ["version"]),
        ("Currently nobody may swap.", ["now"]),
        ("Section 12 forbids it, and so does the Equality Act.", ["law"]),
        ("He may march in and act; 30 minutes later she left with two of 11 people.", []),
    ],
)
def test_what_will_change_is_told_from_what_will_not(text: str, kinds: list[str]) -> None:
    assert [kind for kind in readiness_texts.FACTS if readiness_texts.says(kind, text)] == kinds


def test_many_facts_that_change_belong_in_retrieval(pack: Pack) -> None:
    train = {id: {**row, "analysis": "Since 2023 it costs €5 here."} for id, row in told(3).items()} | {
        f"x{id}": {**row, "situation": f"{id}."} for id, row in told(5).items()
    }

    found = one(readiness_texts.changing_facts, given(pack, train))

    assert found == (
        "warn",
        "38 % (year 3, price 3)",
        "put such facts into the context of a scenario, not into analyses",
    )


def test_a_person_who_withdrew_stops_and_who_was_not_asked_is_warned_of(pack: Pack) -> None:
    train = told(8, annotator="ann") | {"x": {"annotator": "bob", "situation": "Bob's."}}
    agreed = ("analyse", "train")

    def found(**consents: tuple[str, ...]) -> Finding:
        (one,) = readiness_training.consent(given(pack, train, consents=consents))
        return one

    both = found(ann=agreed, bob=agreed)
    assert (both.level, both.number, both.policy) == ("pass", "2 of 2", False)
    for refused in ((), ("analyse",)):
        taken_back = found(ann=agreed, bob=refused)
        assert (taken_back.level, taken_back.number, taken_back.policy) == ("stop", "1 of 2 refuse", True)
        assert taken_back.why == "bob did not agree to training, or took it back: 1 row."
    held = readiness_training.consent(
        given(pack, told(8, annotator="ann"), told(1, "test"), consents={"employee-0": ()})
    )
    assert [one.level for one in held] == ["stop"]  # they would be asked of the model
    assert (found(ann=agreed).level, found(ann=agreed).number) == ("warn", "1 of 2 not asked")


ANSWERED = {
    "owner": "the council",
    "licence": "internal",
    "kept_until": date(2027, 1, 31),
    "may_train_others": False,
    "who_can_reach": "the group",
    "when_somebody_leaves": "they are withdrawn",
}


def test_no_is_an_answer_to_a_question_of_trust(pack: Pack) -> None:
    assert readiness_training.unanswered(ANSWERED) == []
    assert readiness_training.unanswered({"may_train_others": False, "kept_days": 3}) == [
        *("owner", "licence", "who_can_reach", "when_somebody_leaves")
    ]
    assert readiness_training.lines_to_add({})[:2] == ["[trust]", 'owner = "the works council and HR of Example Ltd"']
    assert readiness_training.lines_to_add(ANSWERED | {"owner": None}) == [
        'owner = "the works council and HR of Example Ltd"'
    ]
    assert readiness_training.lines_to_add(ANSWERED) == []


def test_the_time_for_which_data_is_kept_ends(pack: Pack) -> None:
    def until(today: date, **trust: Any) -> tuple[str, str, str]:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        _, found = readiness_training.trust(given(pack, told(2, created_at=at), trust=ANSWERED | trust, today=today))
        return found.level, found.number, found.next

    late = "delete it, or ask the people again and set a new date"
    assert until(date(2026, 12, 1)) == ("pass", "2027-01-31, 61 days left", "")
    assert until(date(2027, 1, 31)) == ("warn", "2027-01-31, 0 days left", late)
    assert until(date(2027, 2, 1)) == ("stop", "2027-01-31, 1 days ago", late)
    _, never = readiness_training.trust(given(pack, told(2), trust=ANSWERED | {"kept_until": None, "kept_days": 10}))
    assert (never.level, never.number) == ("warn", "no dates")
    assert until(date(2026, 1, 20), kept_until=None, kept_days=10) == ("stop", "2026-01-11, 9 days ago", late)


def scores(base: float, people: float | None, low: float, high: float, outcome: str) -> dict[str, Any]:
    gain = {"difference": (low + high) / 2, "interval": [low, high]}
    overall = {"n": 80, "base": {"accuracy": base}, "majority": {"accuracy": 0.4}, "gain": gain}
    return {"outcome": outcome, "accuracy": {"overall": overall}, "ceiling": {"overall": {"share": people}}}


def test_a_base_model_that_judges_as_people_do_needs_a_prompt_only(pack: Pack) -> None:
    def levels(**evaluation: Any) -> list[str]:
        return [f.level for f in readiness_training.prompting(given(pack, told(2), evaluation=scores(**evaluation)))]

    assert levels(base=0.62, people=0.65, low=-0.1, high=0.1, outcome="not shown") == ["warn", "warn"]
    assert levels(base=0.5, people=0.65, low=0.02, high=0.2, outcome="helped") == ["pass", "pass"]
    assert levels(base=0.41, people=None, low=-0.3, high=-0.1, outcome="hurt") == ["warn", "stop"]
    # two scenarios that differ alike have an interval without width, and show nothing
    assert levels(base=0.5, people=0.65, low=-0.25, high=-0.25, outcome="not shown") == ["pass", "warn"]
    assert one(readiness_training.prompting, given(pack, told(2)))[:2] == ("warn", "not measured")


PRICE = {"per_million": 5.0, "least": 0.0, "currency": "USD", "as_of": date(2025, 7, 1), "source": "s"}


def test_the_bill_is_tokens_times_epochs_and_never_below_the_least(pack: Pack) -> None:
    prices = {"a": PRICE, "b": PRICE | {"least": 4.0, "currency": "EUR"}}
    size: dict[str, Any] = {"length": 60_000, "epochs": 2}

    assert (
        one(readiness_training.hosted_cost, given(pack, told(2), prices=prices, **size))[1] == "a 0.60 USD; b 4.00 EUR"
    )
    by_words = given(pack, told(2), prices={"a": PRICE}, unit="words", **size)
    assert one(readiness_training.hosted_cost, by_words)[1] == "a 0.80 USD"
    assert look(readiness_training.hosted_cost, given(pack, told(2), prices=prices)) == []


def test_a_training_that_does_not_fit_into_memory_stops(pack: Pack) -> None:
    probe = {"seconds": 120.0, "memory": 2 * 2**30, "probed": 6}

    def found(memory: int, seconds: float = 120.0) -> tuple[str, str]:
        evidence = given(pack, told(2), length=100, epochs=2, probe=probe | {"seconds": seconds}, memory=memory)
        return one(readiness_training.training_cost, evidence)[:2]

    assert found(2**32) == ("pass", "100 tokens, 2 epochs, 2.0 minutes, 2,048 MB")
    assert found(2**30)[0] == "stop"
    assert found(2**32, 4000.0)[0] == "warn"


def test_the_advice_follows_from_the_findings() -> None:
    def advice(facts: str, prompt: tuple[str, str], *more: Finding) -> list[str]:
        asked = Finding("would a prompt do?", prompt[0], prompt[1], "people 60 %", "", "")  # type: ignore[arg-type]  # a level
        changing = Finding("facts that change", facts, "30 %", "", "", "")  # type: ignore[arg-type]  # a level
        return [line[:33] for line in readiness_training.explain([changing, asked, *more])]

    few = Finding("examples", "stop", "25 in train", "", "", "collect 25 more")
    helped = Finding("did training help?", "pass", "+9 points", "", "Training helped.", "")
    hurt = Finding("did training help?", "stop", "-9 points", "", "Training made it worse.", "")
    unknown, does, not_alone = ("warn", "not measured"), ("warn", "base 60 %"), ("pass", "base 30 %")
    assert advice("warn", unknown)[0] == "Retrieve: 30 % of the answers sta"
    assert advice("pass", unknown)[1:] == ["Prompt: not known yet. A good pro", "Fine-tune: worth a try, since not"]
    assert advice("pass", unknown, few)[2] == "Fine-tune: not yet. examples: 25 "
    narrow = Finding("largest team", "warn", "100 % (harbor)", "", "")
    changing = Finding("facts that change", "pass", "0 %", "", "")
    asked = Finding("would a prompt do?", "warn", "not measured", "", "")
    last = readiness_training.explain([changing, asked, narrow])[2]
    assert last.endswith(" Mind what it would learn from: largest team: 100 % (harbor).")
    assert advice("pass", does)[1:] == ["Prompt: yes, first. Right verdict", "Fine-tune: only if a prompt was t"]
    assert advice("pass", not_alone, helped)[1:] == [
        "Prompt: not enough alone with thi",
        "Fine-tune: yes. Training helped. ",
    ]
    assert advice("pass", not_alone, hurt)[2] == "Fine-tune: not for this yet. Trai"

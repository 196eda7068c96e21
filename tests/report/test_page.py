import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from curator.dataset import Dataset
from curator.evaluation.comparison import compare
from curator.report import write_report
from curator.report.page import embed
from tests.model.answered import BLIND, KNOWS, answer, judged_by

from .conftest import TWO, publish, row

CELL = {
    "n": 4,
    "scenarios": 2,
    "base": {"accuracy": 0.25, "interval": [0.0, 0.5]},
    "tuned": {"accuracy": 0.75, "interval": [0.5, 1.0]},
    "majority": {"accuracy": 0.8, "interval": None},
    "gain": {"n": 4, "clusters": 2, "difference": 0.5, "interval": [-0.1, 0.9], "p": 0.4},
}
EVALUATION = {
    "accuracy": {"overall": CELL, "stakeholder": {"coach": CELL}, "split": {"test": CELL}, "domain": {}},
    "outcome": "not shown",
    "verdict": "not shown: 75 % against 25 %.",
    "findings": ["General English: as before."],
    "generations": [
        {
            "scenario": "s1",
            "stakeholder": "coach",
            "question": "?",
            "person": "Verdict: fair\nYes.",
            "base": "",
            "tuned": "Verdict: no",
        }
    ],
}
TRAINING = {
    "train_loss": [2.0, 1.5],
    "validation_loss": [2.1, 1.9],
    "best_epoch": 2,
    "base_name": "tiny",
    "settings": {"rank": 4},
}


def text_of(dataset: Dataset, tmp_path: Path, **more: object) -> str:
    return write_report(dataset, tmp_path / "report.html", **more).read_text("utf-8")  # type: ignore[arg-type]


def test_the_same_dataset_gives_the_same_bytes_wherever_it_lies(small: Dataset, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(small.folder, tmp_path / "elsewhere" / "v7"))

    first = write_report(small, tmp_path / "one.html", EVALUATION, TRAINING).read_bytes()
    second = write_report(Dataset(moved), tmp_path / "deep" / "two.html", EVALUATION, TRAINING).read_bytes()

    assert first == second
    assert str(tmp_path).encode() not in first


def test_the_policy_allows_only_the_style_and_script_of_the_file_itself(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path, evaluation=EVALUATION, training=TRAINING)

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")  # type: ignore[index]
    inside = {kind: re.search(rf"<{kind}>(.*?)</{kind}>", html, re.S)[1] for kind in ("style", "script")}  # type: ignore[index]
    seals = {kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in inside.items()}
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{seals['script']}'; style-src 'sha256-{seals['style']}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_file_names_no_other_place(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path, evaluation=EVALUATION, training=TRAINING)

    assert set(re.findall(r"[a-z]+://[^\s'\"<]+", html)) == {"http://www.w3.org/2000/svg"}
    assert re.findall(r"""\s(?:src|style|on\w+)=["']""", html) == []
    assert {href[0] for href in re.findall(r'href="([^"]*)"', html)} == {"#"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|@import|url\(", html)


def test_data_cannot_end_its_element_and_reads_back_as_it_was() -> None:
    value = {"</script>": "<!-- & \u2028 \u2029 ' \" \\ \x00"}

    said = embed(value)

    assert json.loads(said) == value
    assert re.findall("[<>&\u2028\u2029]", said) == []


def test_without_an_evaluation_the_report_says_that_nothing_was_measured(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path)

    assert "Whether tuning helps has not been measured yet" in html
    assert 'id="training"' not in html


def test_an_interval_across_zero_is_not_called_help(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path, evaluation=EVALUATION)

    assert "That is too little, or on too few scenarios, to say that tuning helped." in html
    assert "has not yet earned its place" in html
    assert "Tuning helped" not in html


def test_a_model_that_helped_and_knows_no_more_than_habits_is_called_that(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path, evaluation=EVALUATION | {"outcome": "helped"})

    assert "Tuning helped: the difference is larger than chance explains." in html
    assert "so what it learned are the roles&#39; habits, not yet their reading of a scenario." in html
    assert "earned its place" not in html
    assert "Training helped, by learning what each role usually says." in html


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "Measure whether training helps: curator train, then curator evaluate."),
        ("hurt", "Training made it worse."),
        ("not shown", "Whether training helped is not shown."),
    ],
)
def test_the_first_screen_says_what_to_do_next(small: Dataset, tmp_path: Path, told: str | None, said: str) -> None:
    html = text_of(small, tmp_path, evaluation=told and EVALUATION | {"outcome": told})

    part = re.search(r'<nav class="to-do".*?</nav>', html, re.S)[0]  # type: ignore[index]
    assert said in part
    assert '<a href="#next">Collect ' in part


@pytest.mark.parametrize("part", [*EVALUATION, "everything"])
def test_a_missing_part_of_an_evaluation_leaves_the_rest_standing(small: Dataset, tmp_path: Path, part: str) -> None:
    less = {} if part == "everything" else {name: value for name, value in EVALUATION.items() if name != part}

    assert "Base against tuned" in text_of(small, tmp_path, evaluation=less)


def test_an_evaluation_of_another_dataset_is_called_that(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path, evaluation=EVALUATION | {"dataset": "f" * 64})

    assert "This evaluation belongs to another dataset (ffffffffffff)" in html


def test_words_that_were_never_redacted_and_names_of_people_stay_out(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path)

    assert "Call Ann" not in html
    assert "annotator-" not in html


def test_labels_come_from_the_pack(small: Dataset, tmp_path: Path) -> None:
    html = text_of(small, tmp_path)

    assert "A pack of two" in html
    assert "Partner a" in html
    assert "it is not" in html
    assert "--v1:" in html
    assert "--v2:" not in html


def test_a_set_from_which_everything_left_still_has_a_report(tmp_path: Path) -> None:
    dataset = publish(tmp_path / "datasets", TWO, [row("early1", "coach", "fair")])

    html = text_of(dataset, tmp_path)

    assert "Of 1 answer that came in, 1 (100\u00a0%) left" in html
    assert "Nothing is in the set." in html
    assert "stands against a training" not in html
    assert 'id="map"' not in html
    assert "1 of 1 answers left at validate (says nothing): curator dropped --step validate" in html


def test_the_report_says_whether_the_model_knows_both_views_and_how_far_people_agree(
    small: Dataset, tmp_path: Path
) -> None:
    said = (("nurse", "unfair"), ("clerk", "fine"))
    rows = [answer(f"s{n}", role, verdict, BLIND, KNOWS) for n in range(12) for role, verdict in said]
    others = [answer(f"s{n}", "nurse", "fine" if n % 4 else "unfair", BLIND, KNOWS, number=1) for n in range(12)]
    people = [judged_by(one) for one in (*rows, *others)]

    html = text_of(small, tmp_path, evaluation=EVALUATION | compare(rows, people, ["fine", "unfair"]))

    table = re.search(r'aria-label="Does it know both views\?">(.*?)</table>', html, re.S)[1]  # type: ignore[index]
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", line) for line in table.split("<tr>")]
    assert cells[2][:6] == ["roles differ: moves", "12", "0", "0", "100", "+100"]
    assert "Two people of one role give the same verdict in 25\u00a0% of 12 pairs" in html


def test_what_to_look_at_next_names_what_is_missing_and_nobody(tmp_path: Path) -> None:
    rows = [row(f"a{n}", "coach", ("fair", "unfair")[n % 2], annotator="annotator-busy") for n in range(4)]

    html = text_of(publish(tmp_path / "datasets", TWO, rows), tmp_path)

    part = re.search(r'<section id="next".*?</section>', html, re.S)[0]  # type: ignore[index]
    words = " ".join(re.sub("<[^>]*>", " ", part).split())
    assert "stop examples" in words
    assert "Collect" in words
    assert "Somebody judged this otherwise when asked again." in words
    assert "annotator-busy" not in part


TEAM = {"n": 4, "scenarios": 2, "base": {"accuracy": 0.5}, "tuned": {"accuracy": 0.5}, "gain": {"difference": 0.0}}


def test_a_team_is_named_only_where_five_people_answered_in_it(tmp_path: Path) -> None:
    rows = [row(f"a{n}", "coach", "fair", team="harbor", annotator=f"one-{n}") for n in range(6)]
    rows += [row(f"b{n}", "coach", "fair", team="mill", annotator=f"two-{n % 4}") for n in range(9)]
    told = EVALUATION | {"accuracy": EVALUATION["accuracy"] | {"team": {"harbor": TEAM, "mill": TEAM}}}

    large = text_of(publish(tmp_path / "a", TWO, rows), tmp_path, evaluation=told)
    small = text_of(publish(tmp_path / "b", TWO, rows[6:]), tmp_path, evaluation=told)

    assert "Harbor" in large
    for page in (large, small):
        assert not re.search("mill", page.partition('<script type="application/json"')[0], re.I)
    assert "largest team" in small


def test_roles_and_fields_stand_by_their_names_in_what_to_do_next(tmp_path: Path) -> None:
    rows = [row(f"a{n}", "partner_a", "fair", domain="night_shift") for n in range(3)]

    html = text_of(publish(tmp_path / "datasets", TWO, rows), tmp_path)

    part = re.search(r'<section id="next".*?</section>', html, re.S)[0]  # type: ignore[index]
    assert "more from Partner a in Night shift" in part
    assert "partner_a" not in part


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("worst", "where the role that surprised it most did so least"),
        ("mean", "where the answers that it only watched surprised it least"),
        ("last", "the last one"),
    ],
)
def test_the_epoch_that_is_kept_says_by_which_rule(small: Dataset, tmp_path: Path, rule: str, said: str) -> None:
    losses = {"train_loss": [3.0, 2.9], "validation_loss": [3.1, 2.95], "best_epoch": 1}
    training = TRAINING | losses | {"settings": {"keep_best": rule}, "stakeholder_loss": {"coach": [3.2, 3.4]}}

    html = text_of(small, tmp_path, training=training)

    assert f"Kept is epoch 1, {said}." in html
    assert '<line class="curve-line each"' in html
    assert "<code>curator train</code> tunes a model" not in html


def test_people_are_told_one_by_one_only_where_five_share_their_role(tmp_path: Path) -> None:
    rows = [row(f"a{n}", "partner_a", "fair", scenario=f"s{n % 2}") for n in range(5)]
    rows += [row(f"b{n}", "coach", "fair", scenario=f"s{n % 2}", annotator=f"annotator-b{n % 4}") for n in range(6)]

    html = text_of(publish(tmp_path / "datasets", TWO, rows), tmp_path)

    part = re.search(r'<section id="people".*?</section>', html, re.S)[0]  # type: ignore[index]
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", line) for line in part.split("<tr>")]
    assert cells[2:4] == [["Partner a", "5", "5", "20\u00a0%"], ["Coach", "fewer than 5", "6", "–"]]
    assert part.count("<code>annotator-a") == 5
    assert "annotator-b" not in part

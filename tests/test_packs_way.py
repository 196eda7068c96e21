"""Every pack that comes along, the whole way: its sample begins a workspace, is read, curated and exported."""

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator.begin import begin
from curator.collecting import add
from curator.errors import UsageError
from curator.formats import export
from curator.labels.results import from_result, to_result
from curator.pack import SHIPPED, find_pack, load_pack
from curator.pack_tools.check import check_pack
from curator.people import add_people
from curator.pipeline import curate_workspace
from curator.stage import Outcome, stage
from curator.workspace import Workspace

PLACE = next(place for place in SHIPPED if place.is_dir())
SAMPLE = PLACE.parent / "sample_data"
PACKS = sorted(path.parent.name for path in SAMPLE.glob("*/scenarios.jsonl"))
STEPS = ("normalise", "consent", "validate", "exact_duplicates", "tests.test_packs_way:dealt")  # none loads a model
LIGHT = "".join(f'[[step]]\nuse = "{step}"\n\n' for step in STEPS)


@stage("corpus")
def dealt(rows: pl.DataFrame) -> Outcome:
    """Deal every fourth scenario to test and the others to train: a split that needs no embeddings."""
    place = {name: "test" if n % 4 == 0 else "train" for n, name in enumerate(sorted(set(rows["scenario"])))}
    return Outcome(rows.with_columns(rows["scenario"].replace_strict(place, return_dtype=pl.String()).alias("split")))


def sample(name: str, what: str) -> list[dict[str, Any]]:
    """The records of one of a pack's sample files."""
    return [json.loads(line) for line in (SAMPLE / name / f"{what}.jsonl").read_text("utf-8").splitlines()]


def test_every_pack_that_comes_along_has_a_sample() -> None:
    assert {"workplace", *PACKS} == {path.parent.name for path in PLACE.glob("*/pack.toml")}
    assert len(PACKS) == 7


@pytest.mark.parametrize("name", PACKS)
def test_a_sample_is_large_enough_and_people_differ_in_it(name: str) -> None:
    pack = load_pack(find_pack(name, []))
    scenarios, answers, people = (sample(name, what) for what in ("scenarios", "answers", "people"))
    role = {person["email"]: person["stakeholder"] for person in people}
    said = defaultdict(set)
    for answer in answers:
        said[answer["scenario"]].add(answer["verdict"])
    keys = [scenario["key"] for scenario in scenarios]

    assert (len(scenarios) >= 12, len(answers) >= 30, len(people) >= 3) == (True, True, True)
    assert len(keys) == len(set(keys))
    assert set(said) == set(keys)
    assert {role[answer["annotator"]] for answer in answers} == set(pack.stakeholders)
    assert {answer["verdict"] for answer in answers} == set(pack.verdicts)
    assert len({answer["key"] for answer in answers}) == len(answers)
    assert len({answer["analysis"] for answer in answers}) == len(answers)
    contested = sum(len(verdicts) > 1 for verdicts in said.values())
    assert len(scenarios) / 3 <= contested < len(scenarios)  # honest disagreement, and no quarrel for its own sake
    assert all(person["email"].endswith(".example") for person in people)


@pytest.mark.parametrize("name", PACKS)
def test_the_page_could_have_given_every_answer_of_the_sample(name: str) -> None:
    pack = load_pack(find_pack(name, []))
    for answer in sample(name, "answers"):
        told = {column: answer[column] for column in pack.fields if answer.get(column) not in (None, [])}

        assert from_result(pack, to_result(pack, told)) == told


@pytest.mark.parametrize("name", PACKS)
def test_the_guidelines_do_not_answer_what_the_sample_asks(name: str) -> None:
    guidelines = load_pack(find_pack(name, [])).guidelines
    _, _, examples = guidelines.partition("**Example 1.**")  # an answer may quote a rule, and no example
    scenarios = [one[column] for one in sample(name, "scenarios") for column in ("situation", "context")]
    answers = [one["analysis"] for one in sample(name, "answers")]

    assert {run: text for text in scenarios for run in runs(text) & runs(guidelines)} == {}
    assert {run: text for text in answers for run in runs(text) & runs(examples)} == {}


def runs(text: str, length: int = 5) -> set[str]:
    """Every run of so many words in a text, in small letters and without what stands between them."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[n : n + length]) for n in range(len(words) - length + 1)}


@pytest.mark.parametrize("name", PACKS)
def test_a_sample_goes_the_whole_way(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    answers, scenarios = sample(name, "answers"), {one["key"]: one for one in sample(name, "scenarios")}
    made = begin(tmp_path / "team", name, sample=True)
    workspace = Workspace.find(tmp_path / "team")
    (workspace.root / "light.toml").write_text(LIGHT, "utf-8")

    assert made[2:5] == ["scenarios.jsonl", "answers.jsonl", "people.jsonl"]
    assert check_pack(workspace.pack, name) == []
    assert add_people(workspace, str(workspace.root / "people.jsonl")) == len(sample(name, "people"))
    added = add(workspace, [workspace.root / "scenarios.jsonl", workspace.root / "answers.jsonl"])
    assert (added.intake.new, added.intake.quarantined, added.scenarios) == (len(answers), 0, len(scenarios))

    dataset = curate_workspace(workspace, workspace.root / "light.toml")
    export(dataset, "openai", [], workspace.root / "out")

    with workspace.store() as store:
        people = {person.email: person for person in store.people()}
    wanted = [
        (
            people[answer["annotator"]].pseudonym,
            people[answer["annotator"]].stakeholder,
            scenarios[answer["scenario"]]["situation"],
            scenarios[answer["scenario"]]["context"],
            answer["verdict"],
            answer.get("severity"),
            answer["analysis"],
        )
        for answer in answers
    ]
    columns = ("annotator", "stakeholder", "situation", "context", "verdict", "severity", "analysis")
    assert sorted(dataset.frame("examples").select(columns).rows()) == sorted(wanted)
    exported = {split: chats(workspace.root / "out" / f"{split}.jsonl") for split in ("train", "test")}
    assert sum(map(len, exported.values())) == len(answers)
    assert {turns[1] for turns in exported["train"]} & {turns[1] for turns in exported["test"]} == set()
    pack = workspace.pack
    severity = "" if pack.severity is None else "\n" + pack.prompt.answer.split("\n")[1].split("{")[0]
    lead, last = pack.prompt.answer.split("{")[0], pack.prompt.answer.split("\n")[-1].split("{")[0]
    assert sorted(turns[2] for turns in exported["train"] + exported["test"]) == sorted(
        f"{lead}{verdict}{severity}{grade or ''}\n{last}{analysis}" for *_, verdict, grade, analysis in wanted
    )
    for turns in exported["train"] + exported["test"]:
        assert turns[0] == pack.prompt.system
        assert any(who in turns[1] for who in pack.stakeholders.values())
        assert any(situation in turns[1] and context in turns[1] for _, _, situation, context, *_ in wanted)


def chats(path: Path) -> list[tuple[str, ...]]:
    """The turns of each line of an exported file."""
    lines = [json.loads(line)["messages"] for line in path.read_text("utf-8").splitlines()]
    return [tuple(turn["content"] for turn in turns) for turns in lines]


def test_a_pack_without_a_sample_says_which_have_one(tmp_path: Path) -> None:
    shutil.copytree(PLACE / "review", tmp_path / "labeling_configs" / "revue")

    with pytest.raises(UsageError, match=r"'revue' has no sample\. Did you mean 'review'\? Nothing was made\."):
        begin(tmp_path, "revue", sample=True)
    assert [path.name for path in tmp_path.iterdir()] == ["labeling_configs"]


@pytest.mark.slow
def test_the_standard_recipe_keeps_nearly_all_of_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `curator init DIR --pack relationship --sample` and the commands after it give, the real embedder in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    begin(tmp_path / "team", "relationship", sample=True)
    workspace = Workspace.find(tmp_path / "team")
    add_people(workspace, str(workspace.root / "people.jsonl"))
    add(workspace, [workspace.root / "scenarios.jsonl", workspace.root / "answers.jsonl"])

    dataset = curate_workspace(workspace)

    assert dataset.manifest["rows"] == 36
    assert min(dataset.manifest["splits"][name] for name in ("train", "validation", "test")) > 0

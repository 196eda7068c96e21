"""The check and the cards of a real workspace; its recipe parts scenarios by their number, so no model is needed."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curator import check as checking
from curator.begin import begin
from curator.cli import run
from curator.collecting import add
from curator.dataset import Dataset
from curator.errors import UsageError
from curator.people import add_people
from curator.pipeline import curate_workspace
from curator.stage import Outcome, stage
from curator.workspace import Workspace
from tests.model.conftest import tiny  # noqa: F401  # a fixture of another folder

Run = Callable[..., tuple[int, str]]
RECIPE = ("normalise", "consent", "validate", "redact", "exact_duplicates", "agreement", "tests.test_check:parted")
ROLES = ("employee", "manager", "hr", "outside_expert")
TRUST = """
[trust]
owner = "the works council"
licence = "cc-by-4.0"
kept_until = 2099-12-31
may_train_others = false
who_can_reach = "the pilot group | on one laptop"
when_somebody_leaves = "their answers are withdrawn"
"""


@stage("corpus")
def parted(rows: pl.DataFrame) -> Outcome:
    """Put every fifth situation into the test, and the one after it into the validation."""
    number = pl.col("situation").str.extract(r"(\d+)").cast(pl.Int64())
    split = (number % 5).replace_strict({0: "test", 1: "validation"}, default="train", return_dtype=pl.String())
    return Outcome(
        rows.with_columns(split.alias("split"), pl.col("scenario").alias("group"), weight=pl.lit(1.0), voices=pl.lit(1))
    )


def answers() -> str:
    """Four people, one for each role, judge 100 situations in turn."""
    made = [
        {
            "id": n,
            "situation": f"Situation {n} on the ward.",
            "annotator": f"{ROLES[n % 4]}@x.org",
            "verdict": ("reasonable", "questionable", "manipulative")[n % 3],
            "severity": 1 + n % 5,
            "analysis": f"The rota of week {n} was changed and nobody was asked before.",
            "domain": "healthcare",
        }
        for n in range(100)
    ]
    return "".join(json.dumps(one) + "\n" for one in made)


@stage("corpus")
def halved(rows: pl.DataFrame) -> Outcome:
    """Leave the validation empty."""
    done = parted.function(rows).rows
    return Outcome(done.with_columns(pl.col("split").replace("validation", "train")))


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace, whose answers were added and curated, and its keys."""
    folder = tmp_path_factory.mktemp("curated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "keys"))
        begin(folder / "team", "workplace")
        recipe = "".join(f'[[step]]\nuse = "{name}"\n' for name in RECIPE)
        (folder / "team" / "recipe.toml").write_text(recipe, "utf-8")
        (folder / "answers.jsonl").write_text(answers(), "utf-8")
        workspace = Workspace.find(folder / "team")
        for role in ROLES:
            add_people(workspace, f"{role}@x.org", role, "harbor", consent="analyse,train")
        add(workspace, [folder / "answers.jsonl"])
        curate_workspace(workspace)
    return folder


@pytest.fixture
def workspace(curated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of that workspace, to be changed at will."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(curated / "keys"))
    shutil.copytree(curated / "team", tmp_path / "team")
    return Workspace.find(tmp_path / "team")


@pytest.fixture
def curator(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the workspace; return its exit code and what it printed."""
    monkeypatch.chdir(workspace.root)

    def call(*words: str) -> tuple[int, str]:
        code = run(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def found(curator: Run, *words: str) -> dict[str, tuple[str, str]]:
    """The level and number of each finding of `curator check`."""
    told = json.loads(curator("check", "--json", *words)[1])
    return {one["name"]: (one["level"], one["number"]) for one in told["findings"]}


def test_every_line_has_number_threshold_and_reason_and_fits_eighty_columns(curator: Run) -> None:
    code, table = curator("check")
    told = json.loads(curator("check", "--json")[1])

    assert code == 0
    assert max(map(len, table.split("\n\nTo be answered")[0].splitlines())) <= 80
    assert "Dataset v1: 1 stop, 13 warn, 9 pass.\n" in table
    assert all(one["number"] and one["threshold"] and one["why"] for one in told["findings"])
    assert [one["name"] for one in told["findings"] if one["level"] != "pass" and not one["next"]] == []
    levels = [one["level"] for one in told["findings"]]
    assert levels == sorted(levels, key=["stop", "warn", "pass"].index)


def test_it_says_what_is_there(curator: Run) -> None:
    told = found(curator)

    assert told["examples"] == ("warn", "60 in train")
    assert told["answers by role"] == ("warn", "least: 15 (employee)")
    assert told["largest team"] == ("warn", "100 % (harbor)")
    assert told["consent"] == ("pass", "4 of 4")
    assert told["leaks"] == ("stop", "not looked for")
    assert told["questions of trust"] == ("warn", "0 of 6 answered")
    assert told["size of a training"][1].endswith(" words, 2 epochs")
    assert told["would a prompt do?"] == ("warn", "not measured")


def test_strict_ends_with_two_at_a_stop(curator: Run) -> None:
    assert curator("check")[0] == 0
    assert curator("check", "--strict")[0] == 2
    assert curator("check", "--strict", "--json")[0] == 2


@pytest.mark.parametrize("words", [(), ("--strict",), ("--json",)])
def test_a_withdrawn_consent_ends_with_eight(curator: Run, words: tuple[str, ...]) -> None:
    assert curator("people", "consent", "hr@x.org", "--withdraw")[0] == 0

    code, table = curator("check", *words)

    assert code == 8
    assert "1 of 4 refuse" in table
    assert curator("curate")[0] == 0
    assert curator("check")[0] == 0


@pytest.mark.parametrize(
    ("words", "undone"),
    [
        (("export",), "Nothing was exported"),
        (("export", "--format", "csv"), "Nothing was exported"),
        (("train",), "Nothing was trained"),
        (("train", "--dry-run"), "Nothing was trained"),
        (("train", "--preview", "1"), "Nothing was trained"),
        (("train", "--preference"), "Nothing was trained"),
        (("sweep",), "Nothing was trained"),
    ],
)
def test_who_took_their_consent_back_is_neither_exported_nor_learned(
    curator: Run, workspace: Workspace, words: tuple[str, ...], undone: str
) -> None:
    curator("people", "consent", "hr@x.org", "--withdraw")

    code, said = curator(*words)

    assert code == 8
    assert "1 person whose words stand in v1 (25 answers) did not agree to this, or took it back." in " ".join(
        said.split()
    )
    assert undone in said
    assert not (workspace.root / "exports").exists()
    assert not workspace.models.exists() or not list(workspace.models.iterdir())


def test_the_lines_that_are_asked_for_answer_the_questions(curator: Run, workspace: Workspace) -> None:
    told = json.loads(curator("check", "--json")[1])
    with (workspace.root / "curator.toml").open("a") as file:
        file.write("\n" + "\n".join(told["to_add"]) + "\n")

    again = json.loads(curator("check", "--json")[1])

    assert again["to_add"] == []
    by = {one["name"]: (one["level"], one["number"]) for one in again["findings"]}
    assert by["questions of trust"] == ("pass", "6 of 6 answered")
    assert by["kept until"][1].startswith("2028-12-31, ")
    assert "To be answered" not in curator("check")[1]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('[trust]\nonwer = "x"', "trust.onwer: there is no such setting. Did you mean 'owner'?"),
        ('[trust]\nkept_until = "soon"', "trust.kept_until: "),
        ('[trust]\nowner = ""', "trust.owner: "),
        ("[prices.a]\nper_million = -1", "prices.a.per_million: "),
        ("[prices.a]\nper_million = 1.0", "prices.a.as_of: Field required."),
    ],
)
def test_a_wrong_line_in_curator_toml_is_named(curator: Run, workspace: Workspace, lines: str, fault: str) -> None:
    with (workspace.root / "curator.toml").open("a") as file:
        file.write(f"\n{lines}\n")

    code, said = curator("check")

    assert code == 2
    assert said.startswith(f"error: curator.toml: {fault}")


def test_a_price_of_ones_own_stands_in_for_the_packaged_one(curator: Run, workspace: Workspace) -> None:
    packaged = checking.prices(workspace)
    name = "OpenAI gpt-4.1"
    lines = f'\n[prices."{name}"]\nper_million = 1000\ncurrency = "EUR"\nas_of = 2026-11-01\nsource = "an invoice"\n'
    with (workspace.root / "curator.toml").open("a") as file:
        file.write(lines)

    own = checking.prices(Workspace.find(workspace.root))

    assert (own[name].per_million, own[name].currency) == (1000.0, "EUR")
    assert {other: price for other, price in own.items() if other != name} == {
        other: price for other, price in packaged.items() if other != name
    }
    assert all(price.source and price.as_of.year >= 2025 for price in packaged.values())
    assert f"{name} " in found(curator)["on a hosted service"][1]
    assert " EUR" in found(curator)["on a hosted service"][1]


def test_explain_says_in_plain_words_what_to_do(curator: Run) -> None:
    _, said = curator("check", "--explain")

    paragraphs = said.split("\n\n")[-3:]
    assert [one.split(":")[0] for one in paragraphs] == ["Retrieve", "Prompt", "Fine-tune"]
    assert "Fine-tune: not yet. leaks: not looked for." in " ".join(said.split())


def model(workspace: Workspace, name: str, at: int, right: float | None = None, **more: Any) -> Path:
    """Leave the reports of a training, and of its evaluation if it has one, as they stand beside an adapter."""
    folder = workspace.models / name
    folder.mkdir(parents=True)
    seal = Dataset.find(workspace.datasets).manifest["dataset"]
    training = {"dataset": seal, "adapter": name, "settings": {"method": "lora"}, "tokens": 4321, **more}
    (folder / "training.json").write_text(json.dumps(training), "utf-8")
    (folder / "README.md").write_text("---\nbase_model: tiny\n---\n\n# A card\n\nSome words.\n", "utf-8")
    if right is not None:
        gain = {"difference": 0.1, "interval": [0.02, 0.2]}
        cell = {
            "n": 16,
            "majority": {"accuracy": 0.4},
            "base": {"accuracy": right, "interval": [0.1, 0.9]},
            "tuned": {"accuracy": right + 0.1, "interval": None},
            "gain": gain,
        }
        accuracy = {"overall": cell, "split": {"test": cell}, "stakeholder": {"hr": cell}}
        said = {
            "verdict": "helped: so it did",
            "outcome": "helped",
            "findings": ["One thing."],
            "pack": "workplace",
            "dataset": seal,
        }
        told = {"adapter": name, "accuracy": accuracy, **said}
        (folder / "evaluation.json").write_text(json.dumps(told), "utf-8")
    for path in folder.iterdir():
        os.utime(path, (at, at))
    return folder


def test_the_last_evaluation_of_this_dataset_counts_and_no_other(curator: Run, workspace: Workspace) -> None:
    model(workspace, "a", 1_000_000, 0.3)
    model(workspace, "b", 2_000_000, 0.2)
    model(workspace, "c", 3_000_000)
    model(workspace, "d", 4_000_000, 0.9, dataset="another")
    model(workspace, "e", 5_000_000, 0.9, adapter="trained again")

    told = found(curator)

    assert told["would a prompt do?"] == ("pass", "base 20 % of 16")
    assert told["did training help?"] == ("pass", "+10 points (+2 to +20)")
    assert told["size of a training"] == ("pass", "4,321 tokens, 2 epochs")


def test_the_cards_are_signed_and_the_dataset_stays_as_it_was(
    curator: Run, workspace: Workspace, tmp_path: Path
) -> None:
    from huggingface_hub import DatasetCard, ModelCard

    folder = model(workspace, "a", 1_000_000, 0.3)
    with (workspace.root / "curator.toml").open("a") as file:
        file.write(TRUST)

    assert curator("card", "--out", str(tmp_path / "papers"))[0] == 0
    once = (folder / "README.md").read_text("utf-8")
    assert curator("card")[0] == 0

    assert (folder / "README.md").read_text("utf-8") == once == (tmp_path / "papers" / "model.md").read_text("utf-8")
    Dataset.find(workspace.datasets).verify()
    dataset, card = DatasetCard.load(tmp_path / "papers" / "dataset.md"), ModelCard.load(folder / "README.md")
    assert (dataset.data.license, card.data.license) == ("cc-by-4.0", "cc-by-4.0")
    (result,) = card.data.eval_results
    assert (result.metric_type, result.dataset_split, result.metric_value) == ("accuracy", "test", 0.4)
    for text in (dataset.text, card.text):
        assert "| Who owns the data? | the works council |" in text
        assert "| Who can reach the adapter? | the pilot group \\| on one laptop |" in text
        assert "| May it train other models? | no |" in text
        assert "| How long is it kept? | until 2099-12-31 |" in text
    assert "| hr | 16 | – | 40 % | 30 % (10 to 90) | 40 % | +10 (+2 to +20) |" in card.text


def test_an_exported_dataset_carries_the_answers_and_other_exports_touch_no_card(
    curator: Run, workspace: Workspace, tmp_path: Path
) -> None:
    with (workspace.root / "curator.toml").open("a") as file:
        file.write(TRUST)
    (tmp_path / "README.md").write_text("mine", "utf-8")

    assert curator("export", "--format", "datasets")[0] == 0
    assert curator("export", "--format", "chat", "--out", str(tmp_path))[0] == 0

    card = (workspace.root / "exports" / "datasets" / "README.md").read_text("utf-8")
    assert "\nlicense: cc-by-4.0\n" in card or '\nlicense: "cc-by-4.0"\n' in card
    assert card.count("## Whose it is") == 1
    assert (tmp_path / "README.md").read_text("utf-8") == "mine"


def size_of_training(said: str) -> dict[str, Any]:
    """The finding on time and memory, from an answer in JSON with the progress around it."""
    told, _ = json.JSONDecoder().raw_decode(said[said.index("{") :])
    (size,) = [one for one in told["findings"] if one["name"] == "size of a training"]
    return dict(size)


@pytest.mark.slow
def test_a_probe_measures_time_and_memory_on_the_model_of_the_workspace(
    curator: Run,
    workspace: Workspace,
    tiny: Path,  # noqa: F811  # the fixture
) -> None:
    toml = workspace.root / "curator.toml"
    toml.write_text(toml.read_text("utf-8").replace("smollm2-135m-instruct", str(tiny)), "utf-8")

    code, said = curator("check", "--probe", "--json")
    assert code == 0, said
    size = size_of_training(said)

    assert size["level"] == "pass"
    assert re.fullmatch(r"[\d,]+ tokens, 2 epochs, \d+\.\d minutes, [\d,]+ MB", size["number"])
    assert re.fullmatch(r"Measured on \d+ steps\.", size["why"])


@pytest.mark.slow
def test_what_cannot_be_trained_on_stops_with_the_reason(curator: Run, workspace: Workspace, tiny: Path) -> None:  # noqa: F811  # the fixture
    toml = workspace.root / "curator.toml"
    toml.write_text(toml.read_text("utf-8").replace("smollm2-135m-instruct", str(tiny)), "utf-8")
    recipe = (workspace.root / "recipe.toml").read_text("utf-8")
    (workspace.root / "recipe.toml").write_text(recipe.replace(":parted", ":halved"), "utf-8")
    assert curator("curate")[0] == 0

    code, said = curator("check", "--probe", "--json")
    size = size_of_training(said)

    assert code == 0
    assert size["level"] == "stop"
    assert size["why"].startswith("There is nothing to choose the best epoch by: validation.jsonl is empty or missing.")


@pytest.mark.slow
def test_an_evaluation_writes_its_results_into_the_models_card(
    curator: Run,
    workspace: Workspace,
    tiny: Path,  # noqa: F811  # the fixture
) -> None:
    from huggingface_hub import ModelCard

    toml = workspace.root / "curator.toml"
    toml.write_text(toml.read_text("utf-8").replace("smollm2-135m-instruct", str(tiny)) + TRUST, "utf-8")
    assert curator("train", "--set", "epochs=1", "--set", "layers=1", "--set", "scenarios=8")[0] == 0
    (folder,) = workspace.models.iterdir()
    assert "## Results" not in (folder / "README.md").read_text("utf-8")

    code, said = curator("evaluate", "--generations", "0")

    assert code == 0, said
    told = json.loads((folder / "evaluation.json").read_text("utf-8"))
    card: Any = ModelCard.load(folder / "README.md")
    assert [(one.dataset_split, one.metric_value) for one in card.data.eval_results] == [
        ("test", told["accuracy"]["split"]["test"]["tuned"]["accuracy"])
    ]
    assert f"- {told['verdict']}" in card.text
    assert "| Who owns the data? | the works council |" in card.text


def test_without_a_dataset_it_says_how_to_make_one(workspace: Workspace) -> None:
    shutil.rmtree(workspace.datasets)
    with pytest.raises(UsageError, match=r"There is no dataset yet\. Make one with: curator curate"):
        checking.check(workspace)

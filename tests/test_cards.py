"""The cards, read by huggingface_hub's own parser."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import DatasetCard, ModelCard, RepoCard

from curator.card import card, put_head, put_section, signed
from curator.dataset import Dataset
from curator.example import SCHEMA
from curator.pack import Pack
from curator.pipeline import curate
from curator.recipe import parse_recipe
from curator.stage import Given
from curator.training.adapter_card import card as model_card
from curator.training.adapter_card import with_results
from tests.conftest import rows

STEPS = ("normalise", "validate", "agreement", "tests.test_check:parted")
RECIPE = parse_recipe("\n".join(f'[[step]]\nuse = "{name}"' for name in STEPS))
ANSWERS = [("Who owns the data?", "Anna | Ben\n## Results\n<script>"), ("May it train other models?", "no")]


def head(text: str | Path, kind: type[RepoCard] = DatasetCard) -> Any:
    """What huggingface_hub reads from a card's head; its classes do not declare what they hold."""
    return (kind.load(text) if isinstance(text, Path) else kind(text)).data


def line(n: int, **more: Any) -> dict[str, Any]:
    said = {"situation": f"Situation {n // 2} on the ward.", "annotator": f"ann-{n % 2}", "severity": 1 + n % 5}
    return said | {"verdict": ("reasonable", "manipulative")[n // 2 % 2], **more}


@pytest.fixture
def dataset(tmp_path: Path, pack: Pack, key: bytes) -> Dataset:
    given = rows(**{f"a{n:02}": line(n) for n in range(40)}, short="No.", m=line(99, origin="model"))
    return curate(given, RECIPE, tmp_path / "datasets", Given(key=key, pack=pack))


def test_the_head_of_a_dataset_card_is_what_the_hub_reads(dataset: Dataset) -> None:
    told = head(dataset.folder / "README.md").to_dict()

    assert told == {
        "pretty_name": "Workplace situations",
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation", "text-classification"],
        "annotations_creators": ["machine-generated", "other"],
        "tags": ["curator", "perspectivism", "human-feedback"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}.jsonl"} for split in ("train", "validation", "test")],
            }
        ],
    }


def test_the_card_says_who_judged_what_left_and_how_far_people_agree(dataset: Dataset) -> None:
    text = (dataset.folder / "README.md").read_text("utf-8")

    assert "41 examples of 21 scenarios, from 42 answers." in text
    assert "| employee | 41 | 2 |" in text
    assert (
        "- 2 people, 1 team; known by pseudonym.\n- Written 40 by people or without a word on it, 1 by a model.\n"
        in text
    )
    assert "| validate | 42 | 41 | – | one word (1) |" in text
    assert "- Agreement inside employee: alpha 1.00 (1.00 to 1.00), 20 scenarios judged twice or more.\n" in text
    inside = "in 0 of 20 scenarios that were judged twice or more in it (0 %)."
    assert f"- People of one role gave different verdicts {inside}\n" in text
    assert "- Verdicts: reasonable 20, questionable 0, manipulative 21.\n" in text
    assert "- 100 % of the examples come from one stakeholder: a model will take its view for the normal one.\n" in text
    assert "- Nobody answered as hr, manager, outside_expert.\n" in text
    assert "- Only 25 training examples; 50 are the least that is worth a try.\n" in text


def test_the_card_says_how_it_was_made_and_what_was_put_in_place_of_words(dataset: Dataset) -> None:
    edited = {"action": "edit", "reason": "personal data", "rows": 18}
    steps = [
        {
            "step": "redact",
            "given": 41,
            "kept": 41,
            "decisions": [edited],
            "measures": {"found": {"email": 2, "phone": 1}},
        },
        {"step": "embed", "given": 41, "kept": 41, "decisions": []}
        | {"measures": {"model": "mini", "model_sha256": "ab" * 32}},
    ]
    recipe = [{"use": "redact"}, {"use": "split", "seed": 7}]

    said = card(dataset.manifest | {"steps": steps, "recipe": recipe}, dataset.frame("examples"))

    assert "| redact | 41 | 41 | 18 | – |\n" in said
    assert (
        "- `redact` put tokens in place of personal data in 18 rows (email 2, phone 1). A token such as `[per" in said
    )
    assert f"- curator {dataset.manifest['curator']}; every setting of every step stands in the dataset's" in said
    assert "below `recipe`; seeds: split 7.\n" in said
    assert "embedder mini (abababababab)" in said


def test_the_card_says_one_in_the_singular_and_who_was_alone_in_a_role(dataset: Dataset) -> None:
    one = rows(a={"stakeholder": "hr"})
    all_ = {"alpha": 0.5, "low": None, "units": 1, "answers": 1, "why": ""}
    cells = {"judged": 1, "contested": 1, "share": 1.0}
    measures = {"all": all_, "severity": all_, "contested": cells, "split_within": cells}
    steps = [{"step": "agreement", "given": 1, "kept": 1, "decisions": [], "measures": measures}]
    manifest = dataset.manifest | {"steps": steps, "input": {"rows": 1}}
    manifest |= {"splits": manifest["splits"] | {"train": 1}}

    said = card(manifest, one)

    assert "1 example of 1 scenario, from 1 answer. " in said
    assert "alpha 0.50, 1 answer to 1 scenario (1 is perfect" in said
    assert "- The roles gave different verdicts in 1 of 1 scenario (100 %).\n" in said
    assert "- Only 1 training example; 50 are" in said
    assert "- Only one person answered as hr: these answers are that person's view, and point at them.\n" in said
    assert "No answer says that a model wrote or edited it; one that says nothing counts as a person's." in said


def test_the_card_names_the_thinnest_cells(dataset: Dataset) -> None:
    told = {
        f"{role}{n}": {"stakeholder": role, "domain": "retail"} for role in ("employee", "manager") for n in range(20)
    }
    few = rows(**told, **{f"hr{n}": {"stakeholder": "hr", "domain": "retail"} for n in range(3)})

    said = card(dataset.manifest, few)

    gaps = "Under 20 answers in 2 of 4 cells of role and field; the fewest: outside_expert in retail 0, hr in retail 3."
    assert f"- {gaps}\n" in said


def test_datasets_loads_the_folder_of_a_dataset_by_its_card(dataset: Dataset, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(dataset.folder), cache_dir=str(tmp_path / "cache"))

    assert {split: part.num_rows for split, part in loaded.items()} == {"train": 25, "validation": 8, "test": 8}


@pytest.mark.parametrize("title", ['A "quoted": title', "--- # [x]\n---\n", "Überstunden: ja & nein", "null", "{a: b}"])
def test_no_title_breaks_the_head(dataset: Dataset, title: str) -> None:
    manifest = dataset.manifest | {"pack": dataset.manifest["pack"] | {"title": title}}

    read = head(card(manifest, dataset.frame("examples")))

    assert read.pretty_name == title
    assert read.size_categories == ["n<1K"]


def test_a_dataset_without_split_or_rows_has_a_card_without_files(dataset: Dataset) -> None:
    manifest = dataset.manifest | {"splits": dict.fromkeys(dataset.manifest["splits"], 0), "steps": []}

    text = card(manifest, pl.DataFrame(schema=SCHEMA))

    assert "configs" not in head(text).to_dict()
    assert "Agreement was not measured" in text


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("cc-by-4.0", {"license": "cc-by-4.0"}),
        ("mit", {"license": "mit"}),
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("cc-by-5.0", {"license": "other", "license_name": "cc-by-5.0"}),
        ("acme-1.0", {"license": "other", "license_name": "acme-1.0"}),
        ("internal", {"license": "other", "license_name": "internal"}),
        ("Ask Anna: no 3rd parties", {"license": "other", "license_name": "Ask Anna: no 3rd parties"}),
        (None, {}),
    ],
)
def test_signing_names_the_licence_and_signing_again_changes_nothing(
    dataset: Dataset, licence: str | None, said: dict[str, str]
) -> None:
    text = (dataset.folder / "README.md").read_text("utf-8")
    before = head(text).to_dict()

    once = signed(text, ANSWERS, licence)

    assert head(once).to_dict() == before | said
    assert signed(once, ANSWERS, licence) == once
    assert head(signed(once, ANSWERS, "mit")).to_dict() == before | {"license": "mit"}
    assert "| Who owns the data? | Anna \\| Ben ## Results <script> |" in once
    assert once.count("\n## ") == text.count("\n## ") + 1


def test_a_section_is_replaced_where_it_stands() -> None:
    text = "# A\n\n## One\n\nold\n\n## Two\n\nlast\n"

    assert put_section(text, "One", ["new"]) == "# A\n\n## One\n\nnew\n\n## Two\n\nlast\n"
    assert put_section(text, "Three", ["new"]) == text + "\n## Three\n\nnew\n"


def test_an_entry_of_the_head_goes_with_all_its_lines() -> None:
    text = "---\na: 1\nmodel-index:\n- name: x\n  results: []\nb: 2\n---\n\n# A\n"

    assert put_head(text, {"model-index": None}) == "---\na: 1\nb: 2\n---\n\n# A\n"
    assert put_head("# A\n", {"a": [1]}) == "---\na: [1]\n---\n\n# A\n"


REPORT = {
    "base": "b" * 64,
    "base_name": "tiny-instruct",
    "dataset": "d" * 64,
    "best_epoch": 1,
    "train_loss": [2.0],
    "validation_loss": [2.5],
    "rows": {"train": 211, "validation": 30},
    "scenarios": {"train": 56},
    "tokens": 72191,
    "refused": {"longer than longest": []},
    "settings": {"method": "lora", "rank": 8, "alpha": 16, "layers": 8, "rate": 5e-4, "seed": 1, "keep_best": "worst"},
}


def evaluation(right: float) -> dict[str, Any]:
    gain = {"difference": right - 0.3, "interval": [right - 0.4, right - 0.2]}
    models = {"majority": {"accuracy": 0.5}, "base": {"accuracy": 0.3, "interval": [0.2, 0.4]}}
    cell = {"n": 132, **models, "tuned": {"accuracy": right, "interval": None}, "gain": gain}
    return {
        "accuracy": {"overall": cell, "split": {"out_of_context": cell, "test": cell}, "stakeholder": {"hr": cell}},
        "ceiling": {"overall": {"share": 0.64}, "stakeholder": {"hr": {"share": None}}},
        "pack": "workplace",
        "dataset": "d" * 64,
        "verdict": "not shown: the right verdict for some",
        "findings": ["One thing.", "Another thing."],
    }


def test_a_model_card_holds_the_call_and_then_the_results(pack: Pack) -> None:
    text = model_card(REPORT, pack)
    read = head(text, ModelCard)

    assert (read.base_model, read.library_name) == ("tiny-instruct", "peft")
    assert (read.pipeline_tag, read.eval_results) == ("text-generation", None)
    assert "| LoRA | rank 8, alpha 16, top 8 layers, rate 0.0005, seed 1 |" in text
    assert "| call | `curator train --set rank=8 --set alpha=16` |" in text
    packaged = model_card(REPORT | {"base_name": "smollm2-135m-instruct-b179c9523d0e"}, pack)
    assert head(packaged, ModelCard).base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"

    once = with_results(with_results(text, evaluation(0.9)), evaluation(0.4))
    results = head(once, ModelCard).eval_results

    assert [(one.dataset_split, one.metric_type, one.metric_value) for one in results] == [
        ("out_of_context", "accuracy", 0.4),
        ("test", "accuracy", 0.4),
    ]
    assert "| all | 132 | 64 % | 50 % | 30 % (20 to 40) | 40 % | +10 (+0 to +20) |" in once
    assert "| hr | 132 | – | 50 % | 30 % (20 to 40) | 40 % | +10 (+0 to +20) |" in once
    assert "- not shown: the right verdict for some\n- One thing.\n- Another thing.\n" in once
    assert once.count("## Results") == 1
    assert "90 %" not in once


def test_a_signed_model_card_keeps_its_results(pack: Pack) -> None:
    both = signed(with_results(model_card(REPORT, pack), evaluation(0.4)), ANSWERS, "internal")

    assert with_results(both, evaluation(0.4)).count("\n## ") == both.count("\n## ")
    data = head(both, ModelCard)
    assert (data.license, data.license_name, data.model_name) == (
        "other",
        "internal",
        "Workplace situations: adapter for tiny-instruct",
    )
    assert len(data.eval_results) == 2

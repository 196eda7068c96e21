import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import curator.dataset
from curator.dataset import Dataset
from curator.errors import StorageError, UsageError
from curator.example import Answer, example_id
from curator.look import life
from curator.pack import Pack
from curator.pipeline import curate, curate_workspace
from curator.recipe import parse_recipe
from curator.stage import Given, Known
from curator.store import Fetched
from curator.workspace import Workspace
from tests.conftest import LINE, rows

RECIPE = parse_recipe(
    "\n".join(f'[[step]]\nuse = "{s}"' for s in ("normalise", "validate", "redact", "exact_duplicates"))
)
GOOD = "Nobody was asked, and it was done anyway."


@pytest.fixture
def known(pack: Pack, key: bytes) -> Given:
    return Given(key=key, pack=pack, people=(Known("Marta Delacroix"),))


@pytest.fixture
def dataset(tmp_path: Path, known: Given) -> Dataset:
    return curate(rows(a=GOOD, b=GOOD, c="Fine."), RECIPE, tmp_path / "datasets", known)


FILES = [
    "README.md",
    "decisions.parquet",
    "dropped.parquet",
    "examples.parquet",
    "out_of_context.jsonl",
    "test.jsonl",
    "train.jsonl",
    "validation.jsonl",
]


def test_the_manifest_names_every_file_with_its_seal(dataset: Dataset) -> None:
    assert sorted(dataset.manifest["files"]) == FILES
    assert sorted(path.name for path in dataset.folder.iterdir()) == sorted([*FILES, "manifest.json"])
    dataset.verify()


@pytest.mark.parametrize("name", [name for name in FILES if "jsonl" not in name])
def test_one_flipped_byte_is_found_on_reading(dataset: Dataset, name: str) -> None:
    path = dataset.folder / name
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)

    with pytest.raises(StorageError, match=f"v1/{name} is missing or damaged. Delete v1 and run: curator curate"):
        dataset.file(name)
    with pytest.raises(StorageError, match=name):
        dataset.verify()


def test_a_large_file_is_hashed_again_only_when_something_moved(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.dataset.LARGE", 0)
    monkeypatch.setattr("curator.dataset.MOMENT", 0)
    hashed: list[str] = []
    seal = curator.dataset._seal
    monkeypatch.setattr("curator.dataset._seal", lambda path: hashed.append(path.name) or seal(path))

    dataset.file("examples.parquet")
    dataset.file("examples.parquet")
    assert hashed == ["examples.parquet"]
    dataset.verify()
    assert sorted(hashed) == sorted([*FILES, "examples.parquet"])

    path = dataset.folder / "examples.parquet"
    time.sleep(0.02)  # a tick of the file system's clock
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StorageError, match=r"v1/examples.parquet is missing or damaged"):
        dataset.file("examples.parquet")


def test_a_file_that_was_written_just_now_is_hashed_each_time(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.dataset.LARGE", 0)

    dataset.file("examples.parquet")

    assert not (dataset.folder.parent / ".checked").exists()


def test_decisions_lie_by_id_and_those_of_one_answer_in_the_order_of_the_steps(tmp_path: Path, known: Given) -> None:
    told = rows(a=f"{GOOD}  \n\n\n\nAsk Marta Delacroix.", b=f" {GOOD} ", c="Fine.")

    decisions = curate(told, RECIPE, tmp_path, known).frame("decisions")

    assert decisions.select("id", "step").rows() == [
        ("a", "normalise"),
        ("a", "redact"),
        ("b", "normalise"),
        ("c", "validate"),
    ]


def test_a_file_that_grew_or_is_gone_is_found(dataset: Dataset) -> None:
    (dataset.folder / "train.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(StorageError, match=r"train.jsonl is missing or damaged"):
        dataset.verify()
    (dataset.folder / "train.jsonl").unlink()
    with pytest.raises(StorageError, match=r"train.jsonl is missing or damaged"):
        dataset.verify()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"rows": 1', '"rows": 9', 1),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"dataset"', '"dataste"'),
    ],
)
def test_a_manifest_that_was_changed_is_refused(dataset: Dataset, change: Any) -> None:
    path = dataset.folder / "manifest.json"
    path.write_text(change(path.read_text("utf-8")), "utf-8")

    with pytest.raises(StorageError, match="Make it again: curator curate"):
        _ = Dataset(dataset.folder).manifest


def test_the_same_again_is_the_same_dataset_and_anything_new_a_new_one(dataset: Dataset, known: Given) -> None:
    out = dataset.folder.parent

    assert curate(rows(c="Fine.", b=GOOD, a=GOOD), RECIPE, out, known).name == "v1"
    assert curate(rows(a=GOOD, c="Fine."), RECIPE, out, known).name == "v2"
    assert Dataset.find(out).name == "v2"
    assert curate(rows(a=GOOD, b=GOOD, c="Fine."), RECIPE, out, known).name == "v1"
    assert Dataset.find(out).name == "v1", "the latest is the one that was made last"
    assert Dataset.find(out, "v2").name == "v2"


@pytest.mark.parametrize("name", ["examples.parquet", "manifest.json"])
def test_a_damaged_dataset_is_not_returned_but_made_again_beside_it(dataset: Dataset, known: Given, name: str) -> None:
    path = dataset.folder / name
    path.write_bytes(path.read_bytes()[:-30])

    again = curate(rows(a=GOOD, b=GOOD, c="Fine."), RECIPE, dataset.folder.parent, known)

    assert again.name == "v2"
    again.verify()


def test_a_dataset_that_is_not_there_is_named_with_those_that_are(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no dataset 'v7'. There are: v1."):
        Dataset.find(dataset.folder.parent, "v7")
    with pytest.raises(UsageError, match="Make one with: curator curate"):
        Dataset.find(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"has no secrets\.txt"):
        dataset.file("secrets.txt")


FULL = """
import resource, sys
from pathlib import Path
from curator.errors import StorageError
from curator.pipeline import curate
from curator.stage import Given
from curator.pack import find_pack, load_pack
from tests.test_dataset import RECIPE, GOOD
from tests.conftest import rows
answers = rows(**{f"r{n}": GOOD + f" {n} " + "x" * 200 for n in range(300)})
given = Given(key=b"k", pack=load_pack(find_pack("workplace", [])))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    curate(answers, RECIPE, Path(sys.argv[1]), given)
except StorageError as fault:
    print(fault)
"""


@pytest.mark.parametrize("most", [0, 100, 3000, 9000])
def test_a_disk_that_is_full_leaves_no_draft_behind(tmp_path: Path, most: int) -> None:
    """A limit on the size of a file stands for a full disk: a write beyond it fails in the middle."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "datasets"), str(most)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )

    assert "could not be written" in done.stdout, done.stderr[-500:]
    assert done.stdout.endswith("Nothing of it was kept.\n")
    left = [p.name for p in (tmp_path / "datasets").iterdir() if p.name != ".LATEST"]
    assert left == []


def test_a_place_that_cannot_hold_datasets_is_refused(tmp_path: Path, known: Given) -> None:
    (tmp_path / "datasets").write_text("a file", "utf-8")

    with pytest.raises(StorageError, match="No dataset was made"):
        curate(rows(a=GOOD), RECIPE, tmp_path / "datasets", known)


def test_what_left_before_redaction_is_kept_without_its_words(tmp_path: Path, known: Given) -> None:
    told = rows(
        early={"analysis": "Marta!", "situation": "Marta Delacroix called.", "extra": '{"tactics": ["x"]}'},
        late={"analysis": f"{GOOD} Marta Delacroix"},
        later={"analysis": f"{GOOD} Marta Delacroix"},
    )

    gone = curate(told, RECIPE, tmp_path, known).frame("dropped")

    assert gone.select("id", "situation", "context", "analysis", "extra").row(0) == ("early", None, None, None, None)
    assert gone.row(1, named=True)["id"] == "later"
    assert gone.row(1, named=True)["analysis"].startswith(f"{GOOD} [person ")


def test_only_what_the_pack_declares_leaves_the_store_in_extra(tmp_path: Path, known: Given) -> None:
    told = rows(
        a={"extra": json.dumps({"tactics": ["guilt"], "note": "Marta Delacroix", "key": "k1"})}, b={"extra": None}
    )

    kept = curate(told, parse_recipe('[[step]]\nuse = "normalise"'), tmp_path, known).frame("examples")

    assert kept.select("id", "extra").rows() == [("a", '{"tactics": ["guilt"]}'), ("b", None)]


def test_scratch_columns_never_leave(tmp_path: Path, known: Given) -> None:
    told = rows(a=GOOD)
    kept = curate(told, RECIPE, tmp_path, known).frame("examples")

    assert kept.columns == told.columns


@pytest.fixture
def curated(workspace: Workspace) -> Workspace:
    """A workspace with answers that were kept, merged and dropped, and one that came later."""
    line = {name: value for name, value in LINE.items() if name in Answer.model_fields}
    told = {"kept": GOOD, "repeat": GOOD, "short": "Fine."}
    workspace.recipe.write_text(
        "\n".join(f'[[step]]\nuse = "{s}"' for s in ("normalise", "validate", "exact_duplicates")), "utf-8"
    )
    with workspace.store() as store:
        store.take("test", [Fetched(k, k.encode(), Answer(**(line | {"analysis": text}))) for k, text in told.items()])
    curate_workspace(workspace)
    with workspace.store() as store:
        store.take("test", [Fetched("new", b"new", Answer(**(line | {"analysis": "Another view altogether."})))])
    return workspace


def test_the_life_of_each_answer_can_be_told(curated: Workspace) -> None:
    ids = {name: example_id("test", name) for name in ("kept", "repeat", "short", "new")}
    stays, leaves = sorted((ids["kept"], ids["repeat"]))
    lives = {id: life(curated, id) for id in ids.values()}

    assert lives[stays]["now"] == "kept, in no split"
    assert lives[stays]["merged_here"] == [leaves]
    assert lives[stays]["kept"]["analysis"] == GOOD
    assert lives[leaves]["now"] == "left at exact_duplicates: exact repeat"
    assert [(d["step"], d["action"], d["twin"]) for d in lives[leaves]["decisions"]] == [
        ("exact_duplicates", "drop", stays)
    ]
    assert lives[ids["short"]]["now"] == "left at validate: one word"
    assert lives[ids["new"]]["now"].startswith("not in this dataset: it came, changed or was deleted")
    assert [revision["revision"] for revision in lives[stays]["revisions"]] == [1]


def test_an_id_that_nobody_has_or_that_several_begin_with_is_refused(curated: Workspace) -> None:
    with pytest.raises(UsageError, match="No answer begins with 'zzz'"):
        life(curated, "zzz")
    with pytest.raises(UsageError, match=r"Several answers begin with ''. These begin so: .*Give more of it"):
        life(curated, "")


def test_before_the_first_dataset_a_life_is_only_its_revisions(workspace: Workspace) -> None:
    line = {name: value for name, value in LINE.items() if name in Answer.model_fields}
    with workspace.store() as store:
        store.take("test", [Fetched("one", b"1", Answer(**line))])

    told = life(workspace, example_id("test", "one"))

    assert told["now"] == "in no dataset yet"
    assert told["decisions"] == []

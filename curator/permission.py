"""Whether a dataset may still be used: what people agree to today, not on the day it was made."""

import polars as pl

from curator.dataset import Dataset
from curator.errors import PolicyError
from curator.workspace import Workspace


def refusing(workspace: Workspace, dataset: Dataset, purposes: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows of a dataset, of all splits, whose authors do not agree today to one of these purposes.

    Somebody who was never asked is not among them. Where nobody refuses, the dataset is not read.
    """
    with workspace.store() as store:
        agreed = {one.pseudonym: one.purposes for one in store.people() if one.purposes is not None}
    refused = [who for who, said in agreed.items() if not said or not set(purposes) <= set(said)]
    if not refused:
        return pl.DataFrame(schema={"annotator": pl.String})
    return dataset.frame("examples").filter(pl.col("annotator").is_in(refused))


def asked_for(dataset: Dataset) -> tuple[str, ...]:
    """Return the purposes that the dataset's recipe asked agreement for; none where it has no such step."""
    steps = {step["use"]: step for step in dataset.manifest["recipe"]}
    return tuple(steps["consent"]["purposes"]) if "consent" in steps else ()


def check_permitted(workspace: Workspace, dataset: Dataset, purposes: tuple[str, ...], undone: str) -> None:
    """Raise PolicyError where somebody does not agree to these purposes any more; `undone` says what was not done."""
    rows = refusing(workspace, dataset, purposes)
    if rows.is_empty():
        return
    people, answers = rows["annotator"].n_unique(), rows.height
    raise PolicyError(
        f"{people} {'person' if people == 1 else 'people'} whose words stand in {dataset.name}"
        f" ({answers} {'answer' if answers == 1 else 'answers'}) did not agree to this, or took it back. {undone}."
        " Make the dataset again without them: curator curate"
    )

import pytest

from curator.stage import Given
from curator.stages.consent import consent
from tests.conftest import rows

ASKED = Given(consents={"full": ("analyse", "train"), "half": ("analyse",), "gone": ()})
ROWS = {who: {"annotator": who} for who in ("full", "half", "gone", "stranger")}


def reasons(**settings: object) -> dict[str, str]:
    outcome = consent(rows(**ROWS), given=ASKED, **settings)  # type: ignore[arg-type]
    return dict(outcome.dropped.select("id", "reason").iter_rows())


def test_only_what_was_agreed_to_stays_and_each_reason_is_its_own() -> None:
    assert reasons() == {"half": "no consent to train", "gone": "consent withdrawn"}
    assert reasons(purposes=("analyse",)) == {"gone": "consent withdrawn"}


def test_people_who_were_never_asked_stay_and_are_counted_unless_the_recipe_says_so() -> None:
    assert reasons(unknown="drop")["stranger"] == "no consent on record"
    assert consent(rows(**ROWS), given=ASKED).measures == {"unknown": 1}
    assert consent(rows(**ROWS), given=ASKED, unknown="drop").measures == {"unknown": 0}


@pytest.mark.parametrize("unknown", ["keep", "drop"])
def test_a_workspace_without_people_keeps_or_drops_everything(unknown: str) -> None:
    outcome = consent(rows(**ROWS), given=Given(), unknown=unknown)

    assert outcome.rows.height == (4 if unknown == "keep" else 0)

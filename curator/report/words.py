"""The summary in plain language: true sentences from the numbers, the uncomfortable ones too."""

import re
from typing import Any

from curator.report.labels import Scales
from curator.wording import listed

MINUS = re.compile(r"(?<![\w)])-(?=[\d.])")

WHAT = {
    "normalise": "Texts are brought into one form",
    "consent": "Who did not agree, or withdrew, is left out",
    "validate": "Answers that say nothing usable leave",
    "redact": "Personal data are replaced",
    "exact_duplicates": "A record that came twice is kept once",
    "embed": "Texts become vectors, to tell how alike they are",
    "scenarios": "Tellings of one event are grouped",
    "agreement": "Agreement is measured; no answer is touched",
    "quality": "Off-topic and copied answers are looked for",
    "duplicates": "What one role said twice is merged and its voices counted",
    "balance": "No role, verdict or domain drowns out the others",
    "split": "Training and test are parted, whole events at a time",
    "leaks": "Proof that no test scenario was trained on",
}


def number(value: float) -> str:
    """Return a whole number with thin gaps between thousands.

    >>> number(12345)
    '12\\u202f345'
    """
    return f"{value:,.0f}".replace(",", "\u202f")


def typeset(line: str) -> str:
    """Return a line of plain text with true minus signs, and no break before a percent sign.

    >>> typeset("-5 to 26 %, p 0.012; a well-kept line")
    '\u22125 to 26\\xa0%, p 0.012; a well-kept line'
    """
    return MINUS.sub("\u2212", line).replace(" %", "\u00a0%")


def share(part: float, whole: float) -> str:
    """Return a share in percent; a small one is never rounded to nothing.

    >>> share(1, 1000), share(999, 1000), share(71, 99)
    ('under 1\\xa0%', 'over 99\\xa0%', '72\\xa0%')
    """
    if not whole:
        return "none"
    percent = 100 * part / whole
    if 0 < percent < 1 or 99 < percent < 100:
        return "under 1\u00a0%" if percent < 1 else "over 99\u00a0%"
    return f"{percent:.0f}\u00a0%"


def count(value: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "answer"), count(2, "person", "people")
    ('1 answer', '2 people')
    """
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def summary(facts: dict[str, Any], known: Scales, tuned: dict[str, Any] | None) -> list[str]:
    """Return the paragraphs of the summary."""
    roles = listed([f"{label} ({number(n)})" for label, n in facts["roles"]])
    if not facts["kept"]:
        return [_left(facts), "There is nothing to train on, and nothing to show below but what left and why."]
    first = (
        f"{count(facts['kept'], 'answer')} to {count(facts['scenarios'], 'scenario')}"
        f" {'is' if facts['kept'] == 1 else 'are'} in the set. "
        f"{count(facts['people'], 'person', 'people')} judged, in these roles: {roles}. "
    )
    if facts["models"]:
        first += f"{count(facts['models'], 'answer')} came from a model or were edited from one. "
    if facts["judged"]:
        first += (
            f"Of the {count(facts['judged'], 'scenario')} seen by more than one role, {number(facts['contested'])} "
            f"({share(facts['contested'], facts['judged'])}) got different verdicts. "
            "That is not an error to clean away: the set keeps every side."
        )
    return [first.strip(), _left(facts), _tuned(facts, tuned)]


def to_do(
    lacking: list[dict[str, str]], asked: int, tuned: dict[str, Any] | None, trained: bool
) -> list[tuple[str, str]]:
    """Return what to do next, each with the section that says more: at most one for the set, its people, the model."""
    steps = []
    if lacking:
        worst = lacking[0]
        steps.append((f"{worst['next'][:1].upper()}{worst['next'][1:]}." if worst["next"] else worst["why"], "next"))
    if asked:
        steps.append(
            (f"Put {count(asked, 'question')} to people again: there they, or the model, do not agree.", "looks")
        )
    if tuned is None:
        run = "curator evaluate" if trained else "curator train, then curator evaluate"
        steps.append((f"Measure whether training helps: {run}.", "tuning"))
    elif tuned["outcome"] == "helped":
        habits = tuned["overall"] and _habits(tuned["overall"])
        how = ", by learning what each role usually says. See where it does not read the scenario" if habits else ""
        steps.append((f"Training helped{how or '. See for whom, and where it did not'}.", "tuning"))
    elif tuned["outcome"] == "hurt":
        steps.append(("Training made it worse. See where before anybody uses the model.", "tuning"))
    else:
        steps.append(("Whether training helped is not shown. See how small a gain could have been seen.", "tuning"))
    return steps


def _habits(row: dict[str, Any]) -> bool:
    """Tell whether always giving each role's most frequent verdict is right as often as the tuned model."""
    return bool(row["majority"] and row["tuned"] and row["majority"]["value"] >= row["tuned"]["value"])


def _left(facts: dict[str, Any]) -> str:
    gone = facts["given"] - facts["kept"]
    if not facts["given"]:
        return "No answer came in."
    if not gone:
        all_of = "The one answer" if facts["given"] == 1 else f"All {number(facts['given'])} answers"
        said = f"{all_of} that came in {'is' if facts['given'] == 1 else 'are'} in the set."
    else:
        most = ", ".join(f"{reason} ({number(n)})" for reason, n in facts["why"][:3])
        said = (
            f"Of {count(facts['given'], 'answer')} that came in, {number(gone)} ({share(gone, facts['given'])}) left, "
            f"each with its reason on record; most often: {most}."
        )
    if facts["answered"] > facts["people"] > 0:
        without = number(facts["answered"] - facts["people"])
        said += f" Of {count(facts['answered'], 'person', 'people')} who answered, {without} left with all they said."
    if facts["edited"]:
        said += f" In {count(facts['edited'], 'answer')} personal data were replaced."
    if facts["learn"]:
        said += (
            f" A model learns from {number(facts['learn'])} of those in the set, {number(facts['watch'])} tell it when "
            f"to stop, and {number(facts['unseen']) if facts['unseen'] else 'none'} are kept back to test it."
        )
    return said


def _tuned(facts: dict[str, Any], tuned: dict[str, Any] | None) -> str:
    row = tuned["overall"] if tuned else None
    if tuned is None or row is None or row["base"] is None or row["tuned"] is None:
        return "Whether tuning helps has not been measured yet for this set (curator evaluate does it)."
    said = (
        f"On {count(row['n'] or 0, 'unseen answer')} the tuned model gives the person's verdict in "
        f"{100 * row['tuned']['value']:.0f}\u00a0% of cases, "
        f"the base model in {100 * row['base']['value']:.0f}\u00a0%. "
    )
    outcome = tuned["outcome"] or (
        "not shown" if not row["gain"]["sure"] else "helped" if row["gain"]["value"] > 0 else "hurt"
    )
    judged = {
        "helped": "Tuning helped: the difference is larger than chance explains.",
        "hurt": "Tuning hurt: the tuned model is worse, by more than chance explains.",
    }.get(outcome, "That is too little, or on too few scenarios, to say that tuning helped.")
    rival = row["majority"]
    if _habits(row):
        so = (
            "so what it learned are the roles' habits, not yet their reading of a scenario."
            if outcome == "helped"
            else "so the tuned model has not yet earned its place."
        )
        usual = f"{100 * rival['value']:.0f}\u00a0%"
        judged += f" Always giving each role's most frequent verdict would be right in {usual}, {so}"
    return said + judged

"""Base beside tuned, as evaluation.json and training.json tell it. Whatever part is missing is left out."""

from typing import Any

from curator.chat import verdict_lead, verdict_tail
from curator.evaluation.tables import BLIND, VIEW_HEAD, perspective_rows
from curator.pack import Pack
from curator.report.figures import curve, segments, whisker
from curator.report.labels import Scales, humanise
from curator.report.words import typeset

GROUPS = (
    ("overall", "All unseen answers"),
    ("split", "Where they come from"),
    ("stakeholder", "By role"),
    ("between_roles", "By whether people's roles agree on the scenario"),
    ("domain", "By domain"),
    ("team", "By team"),
)

KEPT_BY = {
    "worst": "where the role that surprised it most did so least",
    "mean": "where the answers that it only watched surprised it least",
    "last": "the last one",
}


def comparison(
    told: dict[str, Any] | None, known: Scales, pack: Pack, dataset: str, scenes: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Return the rows, sentences and generations of an evaluation for the template; None without one."""
    if not told:
        return None
    accuracy = told.get("accuracy") or {}
    groups: list[dict[str, Any]] = []
    for kind, title in GROUPS:
        cells = accuracy.get(kind) or {}
        listed = {"": cells} if kind == "overall" and cells else cells
        if kind == "team":  # a small one tells of people who could be guessed
            listed = {key: cell for key, cell in listed.items() if key in known.teams.keys}
        rows = [_row(_name(kind, key, known), cell) for key, cell in _ordered(kind, listed, known)]
        if rows:
            groups.append({"title": title, "rows": rows})
    widest = max(
        (abs(end) for group in groups for row in group["rows"] for end in row["gain"]["ends"] if end is not None),
        default=0.0,
    )
    reach = next(r for r in (0.1, 0.2, 0.3, 0.5, 0.75, 1.0) if r >= widest or r == 1.0)
    for group in groups:
        for row in group["rows"]:
            gain = row["gain"]
            gain["mark"] = whisker(gain["value"], gain["low"], gain["high"], -reach, reach)
    return {
        "groups": groups,
        "reach": round(100 * reach),
        "overall": groups[0]["rows"][0] if groups and groups[0]["rows"][0]["name"] == GROUPS[0][1] else None,
        "verdict": typeset(told.get("verdict", "")),
        "outcome": told.get("outcome", ""),
        "findings": [typeset(line) for line in told.get("findings") or []],
        "other": told.get("dataset") not in (None, dataset),
        "unsure": told.get("seen_in_training") is False,
        "refused": len(told.get("refused") or []),
        "said": _said(told.get("verdicts") or {}, known),
        "disagreement": told.get("disagreement") or {},
        "views": perspective_rows(told) if told.get("views") else [],
        "views_head": VIEW_HEAD,
        "blind": BLIND,
        "people": _people(told.get("ceiling") or {}),
        "generations": [_generation(one, known, pack, scenes) for one in (told.get("generations") or [])],
        "made": {name: told[name] for name in ("dataset", "base", "adapter") if told.get(name)},
        "libraries": told.get("libraries") or {},
    }


def _ordered(kind: str, cells: dict[str, Any], known: Scales) -> list[tuple[str, dict[str, Any]]]:
    scale = {"stakeholder": known.roles, "split": known.splits, "domain": known.domains}.get(kind)
    keys = scale.keys if scale else ()
    return sorted(cells.items(), key=lambda pair: (keys.index(pair[0]) if pair[0] in keys else len(keys), pair[0]))


def _name(kind: str, key: str, known: Scales) -> str:
    if kind == "split":
        return {"test": "New scenarios, known domains", "out_of_context": "Domains never seen"}.get(key, humanise(key))
    if kind == "overall":
        return GROUPS[0][1]
    scale = {"stakeholder": known.roles, "domain": known.domains}.get(kind)
    return scale.label(key) if scale else humanise(key)


def _row(name: str, cell: dict[str, Any]) -> dict[str, Any]:
    gain = cell.get("gain") or {}
    low, high = gain.get("interval") or (None, None)
    return {
        "name": name,
        "n": cell.get("n"),
        "scenarios": cell.get("scenarios"),
        "base": _share(cell.get("base")),
        "tuned": _share(cell.get("tuned")),
        "majority": _share(cell.get("majority")),
        "gain": {
            "value": gain.get("difference"),
            "low": low,
            "high": high,
            "ends": [gain.get("difference"), low, high],
            "p": gain.get("p_holm", gain.get("p")),
            "sure": low is not None and high is not None and not low <= 0 <= high,
            "worse": low is not None and high is not None and high < 0,
        },
    }


def _share(part: dict[str, Any] | None) -> dict[str, Any] | None:
    if not part or part.get("accuracy") is None:
        return None
    low, high = part.get("interval") or (None, None)
    return {"value": part["accuracy"], "low": low, "high": high, "mark": whisker(part["accuracy"], low, high, 0.0, 1.0)}


def _people(ceiling: dict[str, Any]) -> dict[str, Any] | None:
    """Return how often two people of one role agree, which is as far as a model can be expected to get."""
    told = ceiling.get("overall") or {}
    return told if told.get("share") is not None else None


def _said(verdicts: dict[str, Any], known: Scales) -> list[dict[str, Any]]:
    """Return how often people, base and tuned gave each verdict, as stacked bars."""
    told = {
        "People": verdicts.get("people"),
        "Base model": (verdicts.get("base") or {}).get("said"),
        "Tuned model": (verdicts.get("tuned") or {}).get("said"),
    }
    bars = []
    for name, counts in told.items():
        if counts:
            numbers = [counts.get(key, 0) for key in known.verdicts.keys]
            bars.append({"name": name, "counts": numbers, "bar": segments(numbers, sum(numbers))})
    return bars


def _generation(one: dict[str, Any], known: Scales, pack: Pack, scenes: list[dict[str, Any]]) -> dict[str, Any]:
    texts = [("A person said", one.get("person")), ("Base model", one.get("base")), ("Tuned model", one.get("tuned"))]
    about = next((scene for scene in scenes if scene["id"] == one.get("scenario")), None)
    return {
        "situation": about["situation"] if about else "",
        "context": about["context"] if about else "",
        "question": one.get("question", ""),
        "role": known.roles.label(one.get("stakeholder")),
        "said": [
            {"by": by, "verdict": spoken(text or "", pack, known), "text": text or "(nothing)"}
            for by, text in texts
            if text is not None
        ],
    }


def spoken(text: str, pack: Pack, known: Scales) -> int:
    """Return the place of the verdict that a written answer names in the pack's own form, -1 where it names none."""
    _, found, rest = text.partition(verdict_lead(pack))
    tail = verdict_tail(pack)
    said = (rest.partition(tail)[0] if tail else rest).strip() if found else ""
    return known.verdicts.at(said)


def learning(told: dict[str, Any] | None, known: Scales) -> dict[str, Any] | None:
    """Return the training curve and what training.json says of the run; None without one."""
    if not told:
        return None
    train, held = told.get("train_loss") or [], told.get("validation_loss") or []
    roles = {known.roles.label(role): losses for role, losses in (told.get("stakeholder_loss") or {}).items()}
    drawn = curve(train, held, told.get("best_epoch"), roles)
    if drawn is None:
        return None
    rule = (told.get("settings") or {}).get("keep_best", "mean")
    return {
        "curve": drawn,
        "roles": roles,
        "rule": KEPT_BY.get(rule, KEPT_BY["mean"]),
        "rows": told.get("rows") or {},
        "scenarios": told.get("scenarios") or {},
        "tokens": told.get("tokens"),
        "base": told.get("base_name") or "",
        "settings": told.get("settings") or {},
        "refused": sum(len(ids) for ids in (told.get("refused") or {}).values()),
        "hashes": {name: told[name] for name in ("dataset", "base", "adapter") if told.get(name)},
    }

"""Label Studio's flat exports (JSON_MIN, CSV): one row for each answer, put back into the shape of a task. Pure."""

import json
from typing import Any

from curator.labels.results import Control, controls
from curator.pack import Pack

ABOUT = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "id")


def is_flat(told: dict[str, Any]) -> bool:
    """Tell whether a record is a row of a flat export: it names the annotation and who made it."""
    return "annotation_id" in told and "annotator" in told


def unflatten(told: dict[str, Any], pack: Pack) -> dict[str, Any]:
    """Return the task that a flat row was made of, by the controls of the pack's page; ValueError for a bad cell."""
    page = controls(pack.config)
    items = []
    for control in page.values():
        if control.name not in told:
            continue
        value = _value(control, told[control.name])
        if value is not None:
            inner = "text" if control.kind == "textarea" else control.kind
            item: dict[str, Any] = {"from_name": control.name, "to_name": control.object, "type": control.kind}
            items.append({**item, "value": {inner: value}})
    annotation: dict[str, Any] = {
        "id": _number(told["annotation_id"]),
        "completed_by": told["annotator"],
        "result": items,
        **{name: told[name] for name in ("created_at", "updated_at") if name in told},
    }
    if "lead_time" in told:
        annotation["lead_time"] = float(told["lead_time"])
    data = {name: value for name, value in told.items() if name not in ABOUT and name not in page}
    task = {"data": data, "annotations": [annotation]}
    return task | ({"id": _number(told["id"])} if "id" in told else {})


def _value(control: Control, cell: Any) -> Any:
    """Return what a cell holds, as the control stores it; None where it is empty."""
    if isinstance(cell, str) and cell[:1] in ("[", "{") and control.kind != "textarea":
        try:
            cell = json.loads(cell)
        except ValueError:
            raise ValueError(f"{control.name!r} holds broken JSON: {cell[:40]!r}") from None
    inner = "text" if control.kind == "textarea" else control.kind
    listed = cell if isinstance(cell, list) else [cell]
    parts = [part.get(inner) if isinstance(part, dict) else part for part in listed]
    parts = [part for part in parts if part not in (None, "", [])]
    if not parts:
        return None
    if control.kind in ("rating", "number"):
        return _number(parts[0]) if len(parts) == 1 else parts
    return [word for part in parts for word in (part if isinstance(part, list) else [part])]


def _number(cell: Any) -> Any:
    """Return a whole or broken number that CSV keeps as text; anything else as it is."""
    if not isinstance(cell, str):
        return cell
    try:
        number = float(cell)
    except ValueError:
        return cell
    return int(number) if number.is_integer() else number

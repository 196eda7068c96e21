"""A Label Studio ML backend: what `label_studio/ml/api_connector.py` of 1.23 sends, answered as its own SDK does.

At `/` every role of the pack answers each task; at `/ml/ROLE/` that role alone, for projects of one role. Suggestions
stay hidden unless a project shows them: what a model says first, people tend to say after.
"""

import json
from functools import lru_cache
from typing import Any

from curator.errors import PackError
from curator.labels.results import controls, to_result
from curator.serve.service import Refused, Service


def health(service: Service) -> dict[str, Any]:
    """Return what Label Studio asks first, within a second."""
    return {"status": "UP", "model_class": f"curator {service.voices.pack.name}"}


def setup(service: Service, said: dict[str, Any], role: str | None) -> dict[str, Any]:
    """Return the version under which suggestions are kept; Refused where the project asks what the pack does not.

    The access token that Label Studio sends along is not looked at.
    """
    pack = service.voices.pack
    try:
        page = controls(str(said.get("schema") or ""))
    except PackError as fault:
        raise Refused(400, str(fault), "invalid_value", "schema") from None
    if missing := sorted(name for name in pack.fields.values() if name not in page):
        what = f"The project's page has no control {missing[0]!r}, which the pack {pack.name!r} answers."
        raise Refused(400, what, "invalid_value", "schema")
    return {"model_version": version(service, roles(service, role)[0])}


def version(service: Service, role: str) -> str:
    """Return the name of a role's suggestions: the same that `curator predict` gives them."""
    return f"{service.voices.name or 'base'} as {role}"


def roles(service: Service, role: str | None) -> list[str]:
    """Return the roles that answer; Refused for one that the pack does not know."""
    known = list(service.voices.pack.stakeholders)
    if role is not None and role not in known:
        raise Refused(404, f"There is no role {role[:40]!r}. There are: {', '.join(known)}.", "not_found")
    return [role] if role else known


def predict(service: Service, said: dict[str, Any], role: str | None) -> dict[str, Any]:
    """Return the suggestions for the first task, one for each role.

    Label Studio waits 100 s for the whole batch. Given one result for several tasks, it asks again task by task (its
    `_get_predictions_from_ml_backend_one_by_one`), with 100 s for each: what was answered is then at hand.
    """
    tasks = said.get("tasks")
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        raise Refused(400, "There are no tasks.", "invalid_value", "tasks")
    pack, data = service.voices.pack, tasks[0].get("data") or {}
    situation = str(data.get(pack.task["situation"]) or "")
    context = str(data.get(pack.task.get("context", "context")) or "")
    if not situation.strip():
        return {"results": [[]]}  # a task of another kind: nothing to suggest
    told = _cached(service).answers(situation, context, tuple(roles(service, role)))
    return {"results": [json.loads(told)], "model_version": version(service, roles(service, role)[0])}


class _Cache:
    """The last suggestions of one service, as JSON."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.answers = lru_cache(maxsize=64)(self._answers)

    def _answers(self, situation: str, context: str, asked: tuple[str, ...]) -> str:
        service = self._service
        view = service.voices.views[-1]

        def stream() -> Any:
            return service.voices.stream(situation, context, asked, views=[view])

        said: dict[str, dict[str, Any]] = {role: {"answer": ""} for role in asked}
        for event in service.one_at_a_time(stream):
            mine = said[event["stakeholder"]]
            mine["answer"] += event.get("text", "")
            if event["event"] == "verdict":
                mine |= {"verdict": event["verdict"], "score": event["probabilities"][event["verdict"]]}
        pack = service.voices.pack
        found = [
            {
                "result": to_result(pack, service.suggest(pack, mine)),
                "score": mine["score"],
                "model_version": version(service, role),
            }
            for role, mine in said.items()
        ]
        return json.dumps(found)


def _cached(service: Service) -> _Cache:
    """Return the cache of this service."""
    cache: _Cache = service.kept.setdefault("suggestions", _Cache(service))
    return cache

"""From what Label Studio shows to what the store keeps: an answer, or a refusal that says why."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from curator.example import Answer, microseconds, pseudonym
from curator.labels.results import Unfit, from_result
from curator.pack import Pack
from curator.store import Before, Fetched, Person, Refused

TASK = ("id", "project", "inner_id", "data", "meta", "created_at")  # what changes only when the task itself does
ANNOTATION = (  # what a list of tasks shows of an annotation, without names and e-mails
    *("id", "project", "task", "result", "completed_by", "updated_by", "last_created_by", "created_at", "updated_at"),
    *("was_cancelled", "ground_truth", "lead_time", "parent_prediction", "parent_annotation", "draft_created_at"),
    *("import_id", "last_action", "bulk_created", "unique_id"),
)
NEEDED = ("id", "result", "completed_by", "was_cancelled", "created_at", "updated_at")


Task = dict[str, Any]
Origin = Literal["human", "edited", "model"]


class Unknown(Unfit):
    """An answer whose author cannot be told, whatever it says."""


@dataclass(frozen=True)
class Reader:
    """Knows the people, the pack and the key: what is needed to read an annotation."""

    pack: Pack
    key: bytes
    emails: Mapping[int, str]  # by account id
    people: Mapping[str, Person]  # by e-mail, folded
    config_sha256: str
    configs: Mapping[str, str] = field(default_factory=dict)  # every page that people were asked by, by its hash

    def read(self, task: Task, before: Mapping[str, Before] | None = None) -> Iterator[Fetched | Refused]:
        """Give a record for each annotation of a task; a skipped one is no answer.

        An answer that stands in the store and was not touched since is read by the page that asked it then.
        """
        for annotation in task.get("annotations") or []:
            if not annotation.get("was_cancelled"):
                yield self._one(task, annotation, (before or {}).get(str(annotation["id"])))

    def unreadable(self, task: int, annotation: int | None) -> Refused:
        """Return the record of something that the server keeps but cannot show."""
        payload = {"task": {"id": task}, "annotation": {"id": annotation}}
        what = "this task" if annotation is None else "this annotation"
        reason = f"Label Studio cannot show {what} (status 500): it holds a broken character. Delete it there."
        name = None if annotation is None else str(annotation)
        return Refused(_place(task, annotation), _canonical(payload), reason, name, stands=True)

    def _one(self, task: Task, annotation: Task, before: Before | None) -> Fetched | Refused:
        payload = self._payload(task, annotation)
        untouched = before is not None and before.updated_at == _micro(annotation["updated_at"])
        config = before.config if before is not None and untouched else self.config_sha256
        try:
            answer = self._answer(task, annotation, self.configs.get(config, self.pack.config))
        except Unknown as fault:
            return self._set_aside(task, annotation, payload, str(fault), stands=True)
        except Unfit as fault:
            return self._set_aside(task, annotation, payload, str(fault))
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return self._set_aside(task, annotation, payload, f"its {where} is wrong: {first['msg']}")
        if before is not None and untouched and (before.text_changed or before.scenario != answer.scenario):
            answer = answer.model_copy(update={"extra": {**answer.extra, "text_changed": True}})
        return Fetched(str(annotation["id"]), payload, answer, config)

    def _set_aside(self, task: Task, annotation: Task, payload: bytes, why: str, stands: bool = False) -> Refused:
        end = "" if why.endswith((".", "?")) else "."
        place, name = _place(task["id"], annotation["id"]), str(annotation["id"])
        return Refused(place, payload, f"This answer was set aside: {why}{end}", name, stands)

    def _answer(self, task: Task, annotation: Task, config: str) -> Answer:
        author = _account(annotation.get("completed_by"))
        if author is None:
            raise Unknown("nobody is named as its author; was the account deleted?")
        person = self.people.get(self.emails.get(author, "").casefold())
        if person is None:
            raise Unknown(
                f"its author ({self._name(author)}) is not among this workspace's people, so the role is unknown"
            )
        said = from_result(self.pack.model_copy(update={"config": config}), annotation.get("result"))
        data = task.get("data") or {}
        extra = {name: value for name, value in said.items() if name not in ("verdict", "severity", "analysis")}
        named = extra.pop("stakeholder", None)  # where the page asks for the role too; the person's own counts
        extra |= {"task": task["id"], "annotation": annotation["id"]}
        extra |= {
            name: value
            for name, value in {
                "lead_time": annotation.get("lead_time"),
                "scenario_key": data.get("key"),
                "scenario_team": data.get("team"),
                "review_of": data.get("review_of"),
                "own_review": person.pseudonym in (data.get("not_for") or []) or None,
                "other_role": named if named != person.stakeholder else None,
                "edited_by": self._other(author, annotation),
                "ground_truth": annotation.get("ground_truth") or None,
            }.items()
            if value is not None
        }
        answer = Answer(
            situation=data.get(self.pack.task["situation"], ""),
            context=data.get(self.pack.task.get("context", "context")) or "",
            stakeholder=person.stakeholder,
            annotator=person.pseudonym,
            verdict=said["verdict"],
            severity=said.get("severity"),
            analysis=said.get("analysis", ""),
            domain=data.get("domain") or None,
            team=person.team or data.get("team") or None,
            origin=self._origin(task, annotation),
            pack=self.pack.name,
            created_at=annotation.get("created_at"),
            updated_at=annotation.get("updated_at"),
            extra=extra,
        )
        if data.get("scenario") and data["scenario"] != answer.scenario:
            return answer.model_copy(update={"extra": {**extra, "text_changed": True}})
        return answer

    def _name(self, account: int) -> str:
        email = self.emails.get(account, f"account {account}")
        person = self.people.get(email.casefold())
        return person.pseudonym if person else pseudonym(self.key, "annotator", email)

    def _other(self, author: int, annotation: dict[str, Any]) -> str | None:
        editor = _account(annotation.get("updated_by"))
        return None if editor in (None, author) else self._name(editor or 0)

    def _origin(self, task: dict[str, Any], annotation: dict[str, Any]) -> Origin:
        """Say who wrote it: a person, a model, or a person over what a model had filled in."""
        items = [item.get("origin") for item in annotation["result"] if item.get("from_name")]
        parent = annotation.get("parent_prediction")
        if parent is None and not any(str(origin).startswith("prediction") for origin in items):
            return "human"
        for prediction in task.get("predictions") or []:
            if prediction.get("id") == parent:
                return "model" if _values(prediction.get("result")) == _values(annotation["result"]) else "edited"
        return "model" if set(items) == {"prediction"} else "edited"

    def _payload(self, task: dict[str, Any], annotation: dict[str, Any]) -> bytes:
        kept = {name: annotation[name] for name in ANNOTATION if name in annotation and name != "result"}
        kept |= {
            name: _account(kept[name]) for name in ("completed_by", "updated_by", "last_created_by") if name in kept
        }
        told = {name: task[name] for name in TASK if name in task}
        if isinstance(data := told.get("data"), dict):  # its parts are made of it, and a task may get them later
            told["data"] = {name: value for name, value in data.items() if name not in self.pack.card_keys}
        whole = {
            "task": told,
            "annotation": {**self._without_emails(kept), "result": annotation.get("result")},
        }
        return _canonical(whole)

    def _without_emails(self, said: Any) -> Any:
        """Return what the server says about an annotation, without e-mails. What people wrote is not touched."""
        if isinstance(said, dict):
            return {name: self._without_emails(value) for name, value in said.items()}
        if isinstance(said, list):
            return [self._without_emails(value) for value in said]
        if isinstance(said, str) and "@" in said:
            return None if any(email.casefold() in said.casefold() for email in self.emails.values()) else said
        return said


def _micro(moment: str) -> int | None:
    return microseconds(datetime.fromisoformat(moment))


def _account(said: Any) -> int | None:
    """Return an account's id, which some endpoints wrap in an object."""
    found = said.get("id") if isinstance(said, dict) else said
    return found if isinstance(found, int) else None


def _values(result: Any) -> dict[str, Any]:
    return {str(item.get("from_name")): item.get("value") for item in result or [] if item.get("from_name")}


def _place(task: int, annotation: int | None) -> str:
    return f"task {task}" if annotation is None else f"task {task}, annotation {annotation}"


def _canonical(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

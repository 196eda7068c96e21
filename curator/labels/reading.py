"""From what Label Studio shows to what the store keeps: an answer, or a refusal that says why."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from curator.example import Answer, pseudonym
from curator.pack import Pack
from curator.store import Fetched, Person, Refused
from curator.labels.results import Unfit, from_result

TASK = ("id", "project", "inner_id", "data", "meta", "created_at")  # what changes only when the task itself does
PERSONAL = ("created_username", "created_ago", "email", "username", "first_name", "last_name", "avatar", "initials")


Task = dict[str, Any]
Origin = Literal["human", "edited", "model"]


@dataclass(frozen=True)
class Reader:
    """Knows the people, the pack and the key: what is needed to read an annotation."""

    pack: Pack
    key: bytes
    emails: Mapping[int, str]  # by account id
    people: Mapping[str, Person]  # by e-mail, folded
    config_sha256: str

    def read(self, task: dict[str, Any]) -> Iterator[Fetched | Refused]:
        """Give a record for each annotation of a task; a skipped one is no answer."""
        for annotation in task.get("annotations") or []:
            if not annotation.get("was_cancelled"):
                yield self._one(task, annotation)

    def unreadable(self, task: int, annotation: int | None) -> Refused:
        """Return the record of something that the server keeps but cannot show."""
        payload = {"task": {"id": task}, "annotation": {"id": annotation}, "config_sha256": self.config_sha256}
        what = "this task" if annotation is None else "this annotation"
        reason = f"Label Studio cannot show {what} (status 500): it holds a broken character. Delete it there."
        return Refused(_place(task, annotation), _canonical(payload), reason)

    def _one(self, task: dict[str, Any], annotation: dict[str, Any]) -> Fetched | Refused:
        payload = self._payload(task, annotation)
        try:
            answer = self._answer(task, annotation)
        except Unfit as fault:
            return self._set_aside(task, annotation, payload, str(fault))
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return self._set_aside(task, annotation, payload, f"its {where} is wrong: {first['msg']}")
        return Fetched(str(annotation["id"]), payload, answer)

    def _set_aside(self, task: Task, annotation: Task, payload: bytes, why: str) -> Refused:
        end = "" if why.endswith((".", "?")) else "."
        return Refused(_place(task["id"], annotation["id"]), payload, f"This answer was set aside: {why}{end}")

    def _answer(self, task: dict[str, Any], annotation: dict[str, Any]) -> Answer:
        author = _account(annotation.get("completed_by"))
        if author is None:
            raise Unfit("nobody is named as its author; was the account deleted?")
        person = self.people.get(self.emails.get(author, "").casefold())
        if person is None:
            raise Unfit(
                f"its author ({self._name(author)}) is not among this workspace's people, so the role is unknown"
            )
        said = from_result(self.pack, annotation.get("result"))
        data = task.get("data") or {}
        extra = {name: value for name, value in said.items() if name not in ("verdict", "severity", "analysis")}
        extra |= {"task": task["id"], "annotation": annotation["id"]}
        extra |= {
            name: value
            for name, value in {
                "lead_time": annotation.get("lead_time"),
                "scenario_key": data.get("key"),
                "scenario_team": data.get("team"),
                "edited_by": self._other(author, annotation),
                "ground_truth": annotation.get("ground_truth") or None,
                "config_changed": self.config_sha256 != self.pack.hash or None,
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
        kept = {name: value for name, value in annotation.items() if name not in (*PERSONAL, "result", "prediction")}
        kept |= {
            name: _account(kept[name]) for name in ("completed_by", "updated_by", "last_created_by") if name in kept
        }
        whole = {
            "task": {name: task[name] for name in TASK if name in task},
            "annotation": {**self._without_emails(kept), "result": annotation.get("result")},
            "config_sha256": self.config_sha256,
        }
        return _canonical(whole)

    def _without_emails(self, said: Any) -> Any:
        """Return what the server says about an annotation, without e-mails. What people wrote is not touched."""
        if isinstance(said, dict):
            return {name: self._without_emails(value) for name, value in said.items() if name not in PERSONAL}
        if isinstance(said, list):
            return [self._without_emails(value) for value in said]
        if isinstance(said, str) and "@" in said:
            return None if any(email.casefold() in said.casefold() for email in self.emails.values()) else said
        return said


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

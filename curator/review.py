"""The loop back: what deserves a second look goes to people who did not write it; a model's suggestions, hidden."""

import json
import re
from typing import Any

import polars as pl

from curator import collecting, modelling
from curator.chat import fill, verdict_lead
from curator.dataset import Dataset
from curator.errors import UsageError
from curator.labels.results import to_result
from curator.look import latest_model
from curator.pack import Pack
from curator.parts import parts_or_whole
from curator.progress import Progress, quiet
from curator.second_look import SHOWN, Item, already_reviewed, in_answers, in_dataset, in_evaluation, queue, review_pack
from curator.store import Person
from curator.workspace import Workspace


def review_queue(workspace: Workspace, limit: int | None = None) -> list[dict[str, Any]]:
    """Return what deserves a second look, the weightiest first, each with its reasons and who may take it.

    A row: review (our name for it), scenario, stakeholder, ids, reasons, weight, situation, may (pseudonyms of that
    role who wrote none of it), not_for (who wrote it).
    """
    with workspace.store() as store:
        rows, people = store.examples(), store.people()
    return [_told(item, rows, people) for item in items(workspace, rows)[:limit]]


def items(workspace: Workspace, rows: pl.DataFrame) -> list[Item]:
    """Return what deserves a second look among the answers and in what became of them, the weightiest first."""
    if rows.is_empty():
        raise UsageError("There are no answers to look at again. Bring some with: curator pull, or: curator add FILE")
    looks = in_answers(rows, workspace.pack)
    try:
        dataset = Dataset.find(workspace.datasets)
    except UsageError:
        return queue(looks, already_reviewed(rows))
    files = dataset.manifest["files"]
    pairs = dataset.frame("table_pairs") if "table_pairs.parquet" in files else pl.DataFrame({"why": []})
    looks += in_dataset(rows, dataset.frame("decisions"), pairs)
    adapter = latest_model(workspace)
    if adapter is not None and (adapter / "evaluation.json").is_file():
        told = json.loads((adapter / "evaluation.json").read_text("utf-8"))
        looks += in_evaluation(told.get("rows") or [], rows)
    return queue(looks, already_reviewed(rows))


def _told(item: Item, rows: pl.DataFrame, people: list[Person]) -> dict[str, Any]:
    mine = rows.filter(pl.col("id").is_in(list(item.ids)))
    here = mine.filter(pl.col("scenario") == item.scenario).row(0, named=True)
    authors = sorted(set(mine["annotator"].to_list()))
    return {
        "review": item.name,
        "scenario": item.scenario,
        "stakeholder": item.stakeholder,
        "ids": list(item.ids),
        "reasons": [{"kind": look.kind, "because": look.because} for look in item.looks],
        "weight": round(item.weight, 4),
        "situation": here["situation"],
        "context": here["context"],
        "domain": here["domain"],
        "may": [p.pseudonym for p in people if p.stakeholder == item.stakeholder and p.pseudonym not in authors],
        "not_for": authors,
    }


def push_review(workspace: Workspace, limit: int | None = None, progress: Progress = quiet) -> dict[str, Any]:
    """Put the queue into a review project for each role; return each role's project, and what nobody may take.

    A project: url, sent, known, and for each person (by pseudonym) how many of its tasks they may take. Label Studio's
    open edition cannot hide a task from somebody: an answer to one's own is flagged when it is pulled.
    """
    from curator.studio import push

    told = review_queue(workspace, limit)
    words = _redacted(workspace)
    pack = review_pack(workspace.pack)
    server = collecting.server_name(workspace)
    projects: dict[str, Any] = {}
    orphans = [row for row in told if not row["may"]]
    with workspace.store() as store:
        link = collecting.client(workspace)
        for role in workspace.pack.stakeholders:
            mine = [row for row in told if row["stakeholder"] == role and row["may"]]
            if not mine:
                continue
            title = f"Review for {role}: {workspace.pack.title}"
            part = f"review {role}"
            people = sorted({who for row in mine for who in row["may"]})
            number = push.ensure_project(link, store, pack, server, title, annotators=len(people), part=part)
            tasks = [_task(workspace.pack, row, words) for row in mine]
            sent = push.send(link, number, tasks, "review", progress)
            projects[role] = {
                "project": number,
                "url": f"{link.url}/projects/{number}/data?labeling=1",
                "sent": sent,
                "known": len(mine) - sent,
                "may": {who: sum(who in row["may"] for row in mine) for who in people},
            }
    return {"projects": projects, "nobody": [row["review"] for row in orphans]}


def _task(pack: Pack, row: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    kinds = dict.fromkeys(reason["kind"] for reason in row["reasons"])
    earlier = [without_verdicts(pack, words[name]) for name in row["ids"] if words.get(name)]
    return {
        "review": row["review"],
        "review_of": row["ids"],
        "review_reason": " ".join(SHOWN[kind] for kind in kinds),
        "review_earlier": "\n\n".join(f"– {text}" for text in earlier) or "Nothing that may be shown yet.",
        "not_for": row["not_for"],
        "scenario": row["scenario"],
        pack.task["situation"]: row["situation"],
        pack.task.get("context", "context"): row["context"] or "",
        **parts_or_whole(pack, row),
        **({"domain": row["domain"]} if row["domain"] else {}),
    }


def without_verdicts(pack: Pack, text: str) -> str:
    """Return an analysis in which the pack's verdicts are dots: what was chosen before must not lead.

    The words themselves go, in any case and with a space or hyphen for an underscore.
    """
    for verdict in pack.verdicts:
        text = re.sub(rf"\b{re.escape(verdict).replace('_', '[ _-]')}\b", "…", text, flags=re.IGNORECASE)
    return text


def _redacted(workspace: Workspace) -> dict[str, str]:
    """Return the analyses as the last dataset shows them. Words that were never redacted are shown to nobody."""
    try:
        dataset = Dataset.find(workspace.datasets)
    except UsageError:
        return {}
    if not any(step["step"] == "redact" for step in dataset.manifest["steps"]):
        return {}
    kept = [dataset.frame(name).select("id", "analysis") for name in ("examples", "dropped")]
    return {name: text for frame in kept for name, text in frame.iter_rows() if text}


def predict(workspace: Workspace, limit: int = 10, progress: Progress = quiet) -> dict[str, int]:
    """Leave the adapter's suggestions at up to `limit` tasks; return how many were left and how many were there.

    One for each role that judges the task, named after the adapter and the role; never twice. They stay hidden unless
    somebody turns suggestions on in the project: what a model says first, people tend to say after.
    """
    adapter = latest_model(workspace)
    if adapter is None:
        raise UsageError("There is no model yet. Train one with: curator train")
    link = collecting.client(workspace)
    left = there = 0
    voices = None
    with workspace.store() as store:
        projects = [p for p in collecting.projects(store, workspace) if not p["part"].startswith("review ")]
    for project in projects:
        roles = [project["part"]] if project["part"] else list(workspace.pack.stakeholders)
        listed = link.wanted(link.get("api/predictions/", project=project["project"]), list, "the predictions")
        known = {(one["task"], one["model_version"]) for one in listed}
        for number, data in _tasks(link, project["project"])[:limit]:
            versions = {role: f"{adapter.name} as {role}" for role in roles}
            new = [role for role in roles if (number, versions[role]) not in known]
            there += len(roles) - len(new)
            if new:
                situation = str(data.get(workspace.pack.task["situation"], ""))
                context = str(data.get(workspace.pack.task.get("context", "context")) or "")
                voices = voices or modelling.voices(workspace, progress=progress)
                for told in voices.ask(situation, context, new):
                    said = told["tuned"]
                    result = to_result(workspace.pack, suggestion(workspace.pack, said))
                    score = said["probabilities"][said["verdict"]]
                    link.predict(number, result, versions[told["stakeholder"]], score)
                    left += 1
            progress("suggesting", left + there, limit * len(roles) * len(projects))
    return {"left": left, "known": there}


def _tasks(link: Any, project: int) -> list[tuple[int, dict[str, Any]]]:
    from curator.studio.listing import pages

    return [(task["id"], task.get("data") or {}) for page in pages(link, project) for task in page.tasks]


def suggestion(pack: Pack, said: dict[str, Any]) -> dict[str, Any]:
    """Return what a model's text says by column: its surest verdict, and severity and analysis where it gave them."""
    lead = re.escape(verdict_lead(pack)).replace(r"\ ", r"\s*")
    shape = re.escape(fill(pack.prompt.answer, {"verdict": "\0v", "severity": "\0s", "analysis": "\0a"}))
    for mark, part in (("\0v", r"\S+"), ("\0s", r"(?P<severity>-?\d+)"), ("\0a", r"(?P<analysis>.*)")):
        shape = shape.replace(re.escape(mark), part, 1)
    found = re.search(shape, said["answer"], re.DOTALL)
    text = found["analysis"] if found and "analysis" in found.groupdict() else re.sub(f"^{lead}", "", said["answer"])
    answer: dict[str, Any] = {"verdict": said["verdict"], "analysis": text.strip()}
    if found and "severity" in found.groupdict() and pack.severity is not None:
        answer["severity"] = min(max(int(found["severity"]), pack.severity.least), pack.severity.most)
    return answer

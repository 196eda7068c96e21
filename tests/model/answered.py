"""Answers as answers.jsonl holds them, made without a model."""

from typing import Any

from curator.evaluation.answers import Answer, Judgement, Seen

ROLES = ("nurse", "clerk")


def seen(fine: dict[str, float], analysis: dict[str, float]) -> Seen:
    """What a model makes of a row: the probability of 'fine' by role, and the analysis' loss by role."""
    verdicts = {role: {"fine": p, "unfair": 1 - p} for role, p in fine.items()}
    return Seen(verdicts=verdicts, analysis=analysis)


def answer(scenario: str, role: str, verdict: str, base: Seen, tuned: Seen, number: int = 0, **more: Any) -> Answer:
    head = {"id": f"{scenario}-{role}-{number}", "scenario": scenario, "group": scenario, "split": "test"}
    said = {"stakeholder": role, "verdict": verdict, "domain": "health", "team": None, "weight": 1.0, "voices": None}
    return Answer.model_validate(head | said | {"tokens": 10, "base": base, "tuned": tuned} | more)


def judged_by(answer: Answer, split: str | None = None, **more: Any) -> Judgement:
    """The person behind an answer."""
    head = (answer.id, answer.scenario, answer.group, split or answer.split, answer.stakeholder, answer.verdict)
    return Judgement(*head, **more)


BLIND = seen({"nurse": 0.7, "clerk": 0.7}, {"nurse": 20.0, "clerk": 20.0})  # ignores the role
KNOWS = seen({"nurse": 0.1, "clerk": 0.9}, {"nurse": 18.0, "clerk": 21.0})  # nurses: unfair; a nurse's analysis

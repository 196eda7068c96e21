"""Lines of training files, right and broken, and what the checks say of one."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from curator.formats.rowchecks import faults_of

ASK, SAY = {"role": "user", "content": "Is it fair?"}, {"role": "assistant", "content": "Not to her."}
SYSTEM = {"role": "system", "content": "You judge."}
GOOD: dict[str, dict[str, Any]] = {
    "openai": {"messages": [SYSTEM, ASK, SAY]},
    "chat": {"id": "a", "scenario": "s", "group": "s", "stakeholder": "hr", "verdict": "no", "weight": 1}
    | {"messages": [SYSTEM, ASK, SAY]},
    "trl": {"messages": [SYSTEM, ASK, SAY]},
    "prompt-completion": {"prompt": [ASK], "completion": [SAY]},
    "preference": {"prompt": [ASK], "chosen": [SAY], "rejected": [SAY | {"content": "Yes."}]},
    "kto": {"prompt": [ASK], "completion": [SAY], "label": True},
    "sharegpt": {"conversations": [{"from": "human", "value": "Fair?"}, {"from": "gpt", "value": "No."}]},
    "alpaca": {"instruction": "Is it fair?", "input": "", "output": "No."},
}


def kinds(row: Any, form: str = "openai") -> dict[str, int]:
    return dict(Counter(fault.kind for fault in faults_of(row, form)))


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path

"""One row in the form that a trainer reads."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Turns = list[dict[str, str]]

SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}


def openai(row: Row) -> Row:
    """Return a row of OpenAI's chat format, which TRL and most trainers read too: nothing but `messages`."""
    return {"messages": row["messages"]}


def chat(row: Row) -> Row:
    """Return curator's own row: the chat with its id, scenario, stakeholder, verdict and weight."""
    return row


def trl(row: Row) -> Row:
    """Return a row of TRL's conversational language modelling: `messages`, each with role and content alone."""
    return {"messages": _plain(row["messages"])}


def prompt_completion(row: Row) -> Row:
    """Return a row of TRL's conversational prompt and completion: its trainer learns the completion alone."""
    *prompt, answer = _plain(row["messages"])
    return {"prompt": prompt, "completion": [answer]}


def sharegpt(row: Row) -> Row:
    """Return a row of the ShareGPT format, as LLaMA-Factory and Axolotl read it."""
    return {"conversations": [{"from": SHAREGPT[m["role"]], "value": m["content"]} for m in row["messages"]]}


def alpaca(row: Row) -> Row:
    """Return a row of the Alpaca format: the system turn is the instruction and the question its input.

    Where there is no system turn, the question is the instruction. Earlier turns are the `history`.
    """
    turns = row["messages"]
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    *before, question, answer = [turn["content"] for turn in turns if turn["role"] != "system"]
    told: Row = {"instruction": [*system, question][0], "input": question if system else "", "output": answer}
    earlier = [[before[at], before[at + 1]] for at in range(0, len(before), 2)]
    return told | ({"history": earlier} if earlier else {})


def _plain(turns: Turns) -> Turns:
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns]


SHAPES: dict[str, Callable[[Row], Row]] = {
    "openai": openai,
    "chat": chat,
    "trl": trl,
    "prompt-completion": prompt_completion,
    "sharegpt": sharegpt,
    "alpaca": alpaca,
}

# What LLaMA-Factory's dataset_info.json must say of a file, by the keys of its data/README.md.
LLAMA_FACTORY: dict[str, Row] = {
    "sharegpt": {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
            "system_tag": "system",
        },
    },
    "alpaca": {
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output"},
    },
}

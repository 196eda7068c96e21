"""Settings files: TOML, read so that whatever is wrong with the text is one sentence."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from curator.errors import UsageError, nearest


def read_toml(path: Path, refuse: type[UsageError] = UsageError) -> dict[str, Any]:
    """Return what a TOML file says; `refuse` where it cannot be read. A byte order mark is fine."""
    try:
        return parse_toml(path.read_text("utf-8-sig"), path.name, refuse)
    except UnicodeDecodeError as fault:
        raise refuse(f"{path.name} is not UTF-8 text: {fault}. Save it as UTF-8.") from None
    except OSError as fault:
        raise refuse(f"{path.name} cannot be read: {fault.strerror}.") from None


def parse_toml(text: str, name: str, refuse: type[UsageError] = UsageError) -> dict[str, Any]:
    """Return what the text says; `refuse` names the line that is wrong."""
    try:
        return tomllib.loads(text)
    except ValueError as fault:  # TOMLDecodeError is one; a number of 5,000 digits is another
        raise refuse(f"{name} cannot be read: {fault}.{_where(text, str(fault))}") from None
    except RecursionError:
        raise refuse(f"{name} cannot be read: it is nested too deep.") from None


def _where(text: str, fault: str) -> str:
    """Return the line that a fault speaks of, and what is usually wrong with such a line."""
    lines = text.splitlines()
    found = re.search(r"at line (\d+)", fault)
    if found is None or int(found[1]) > len(lines):
        return ""
    cures = {
        "Expected '='": " A name with spaces or accents stands in quotes.",
        "Invalid value": " A text stands in quotes.",
    }
    cure = next((words for sign, words in cures.items() if fault.startswith(sign)), "")
    line = "".join(letter for letter in lines[int(found[1]) - 1].strip()[:80] if letter.isprintable())
    return f" The line is: {line}{cure}"


SAID = {  # pydantic's kind of fault -> what it is called here, with what it knows of the fault
    "missing": "it is missing. Add it",
    "string_type": "a text is needed. Write it in quotes",
    "string_too_short": "{min_length} characters are needed at least",
    "string_too_long": "{max_length} characters are allowed at most",
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "int_parsing_size": "this number is too large",
    "float_type": "a number is needed",
    "float_parsing": "a number is needed",
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "dict_type": "a table is needed, one line for each word",
    "model_type": "a table is needed, one line for each setting",
    "list_type": "a list is needed, such as [1, 2]",
    "greater_than": "a number above {gt} is needed",
    "greater_than_equal": "a number of {ge} or more is needed",
    "less_than_equal": "a number of {le} or less is needed",
    "literal_error": "one of these is needed: {expected}",
}


def first_fault(fault: ValidationError, shape: type[BaseModel]) -> str:
    """Say what is wrong with settings of this shape, in one line; a misspelt word before what it leaves missing."""
    faults = fault.errors()
    first = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where}: {_said(first)}." if where else f"{_said(first)}."
    known: Any = shape
    for part in first["loc"][:-1]:
        known = known.model_fields[part].annotation if hasattr(known, "model_fields") else None
    words = list(getattr(known, "model_fields", {}))
    return f"{where}: there is no such setting. {nearest(str(first['loc'][-1]), words)}"


def _said(fault: Any) -> str:
    known = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(known["error"])
    if fault["type"] == "string_pattern_mismatch":
        return f"{fault['input']!r} is not written as it has to be ({known['pattern']})"
    if fault["type"] == "too_short":
        lines = "line is" if known["min_length"] == 1 else "lines are"
        return f"{known['min_length']} {lines} needed at least, and there are {known['actual_length']}"
    return SAID[fault["type"]].format(**known) if fault["type"] in SAID else str(fault["msg"])

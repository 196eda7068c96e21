"""`python -m tests.studio.faults_table > docs/FAULTS.md` brings about every fault and writes down how curator ends."""

import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from unittest import mock

from curator.studio import client as client_module
from tests.studio.faults import CASES, Case, Scene, environment, heal

HEAD = """# What happens when the server or the network fails

Each row was brought about between curator and a server by a proxy that spoils answers (`tests/studio/proxy.py`), or on
the server itself, and `curator pull` was run. Rows are numbered as in the fault catalogue that the tests follow. After
every one of them the next pull on a well server had everything, each wording once. This file is printed by
`python -m tests.studio.faults_table`; `tests/studio/test_sync_faults.py` asserts the same.

| row | fault | exit code | what curator says |
|---:|---|---:|---|
"""


def said(case: Case, root: Path) -> tuple[int, str]:
    """Bring the fault about in this folder; return the exit code and the line."""
    heard = io.StringIO()

    def since() -> str:
        text = heard.getvalue()
        heard.seek(0)
        heard.truncate()
        return text

    os.chdir(root)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(heard))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        scene = Scene.build(root, since, stack)
        case.act(scene)
        code = scene.pull()
        line = scene.lines[0].removeprefix("error: ") if scene.lines else ""
        heal(scene)
    return code, re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", line)


def main() -> None:
    """Print the table."""
    sys.stdout.write(HEAD)
    with (
        mock.patch.dict(os.environ, environment()),
        mock.patch.object(client_module, "DEADLINE", 1.0),
        mock.patch.object(client_module, "LARGEST", 5_000_000),
        mock.patch.object(client_module, "_pause"),
        tempfile.TemporaryDirectory() as place,
    ):
        os.environ["XDG_CONFIG_HOME"] = f"{place}/keys"
        for number, case in enumerate(CASES):
            root = Path(place) / str(number)
            root.mkdir()
            code, line = said(case, root)
            sys.stdout.write(f"| {case.row} | {case.name} | {code} | {line.replace('|', '/')} |\n")
        os.chdir("/")


if __name__ == "__main__":
    main()

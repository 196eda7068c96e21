"""The README is true: it names every command and stage, and every console block runs and prints what it shows."""

import os
import re
import subprocess
import sys
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import pytest

from curator.cli import curator
from curator.recipe import known_stages

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_every_command_is_named():
    missing = [name for name in curator.commands if f"`{name}`" not in README and f"curator {name}" not in README]

    assert missing == []


def test_every_stage_has_its_row():
    assert [name for name in known_stages() if f"| `{name}` |" not in README] == []


def test_every_setting_of_a_make_target_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)

    assert [name for name in named if f"\n{name}:" not in makefile] == []


def steps() -> list[tuple[str, str]]:
    """Return each command of the console blocks with what the README says it prints."""
    found: list[tuple[str, str]] = []
    for block in COMMANDS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, said = part.partition("\n")
            found.append((command, said))
    return found


@pytest.mark.slow
@pytest.mark.live
@pytest.mark.timeout(3000)  # it trains and evaluates the real model
def test_every_console_block_runs_and_prints_what_it_shows(tmp_path):
    """One workspace from `init` to `down`, with the real server, embedder and language model."""
    bin_folder = Path(sys.executable).parent
    env = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    env.pop("COLUMNS", None)
    here, wrong = tmp_path, []
    same = OutputChecker().check_output
    try:
        for command, said in steps():
            if command.startswith("cd "):
                here = here / command[3:]
                continue
            ran = subprocess.run(["bash", "-c", command], cwd=here, env=env, capture_output=True, text=True)
            assert ran.returncode == 0, f"$ {command}\n{ran.stderr}"
            got = "\n".join(line.rstrip() for line in ran.stdout.splitlines() if line.strip()) + "\n"
            if not same(said, got, ELLIPSIS | NORMALIZE_WHITESPACE):
                wrong.append(f"$ {command}\n--- README\n{said}--- printed\n{got}")
    finally:
        subprocess.run([bin_folder / "curator", "down"], cwd=here, env=env, capture_output=True)

    assert not wrong, "\n".join(wrong)


def test_the_stage_of_the_readme_works(tmp_path):
    """The python block is a stage beside a recipe, found by its name."""
    from curator.recipe import load_recipe

    python = re.search(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    recipe = re.search(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert python
    assert recipe
    (tmp_path / "polite.py").write_text(python[1], "utf-8")
    (tmp_path / "recipe.toml").write_text(recipe[1], "utf-8")

    found = load_recipe(tmp_path / "recipe.toml")

    assert found.resolved() == [{"use": "polite:polite", "word": "moron"}]

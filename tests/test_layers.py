"""Imports point down. Read the table from the top: a unit may import what stands on lower lines, and itself."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CURATOR = Path(__file__).parent.parent / "curator"

LAYERS = """
    __main__
    cli schemas                                                  what is started; cli is one with its commands
    console
    demo serving dashboard
    people review pack_tools auditing tuning assumptions check
    collecting modelling annotators pooling                              glue: a workspace and one of the siblings
    begin look formats permission standing
    pipeline training ask serve report studio                                                   siblings
    evaluation
    intake thresholds
    second_look engines ledger readiness
    dataset
    card labels lm recipe workspace
    stages
    embedding privacy store together
    registry chatrows roles
    database files stage chat parts
    phrases tellings processes
    example pack maths offline progress secret cardlines licences
    toml
    errors wording
"""
RANK = {
    name: rank for rank, line in enumerate(LAYERS.strip().splitlines()) for name in line.strip().split("   ")[0].split()
}
SIBLINGS = {name for name in RANK if RANK[name] == RANK["training"]}
STAGES_MAY = {
    "stages",
    "stage",
    "example",
    "pack",
    "chat",
    "formats",
    "maths",
    "phrases",
    "tellings",
    "embedding",
    "errors",
    "progress",
    "privacy",
}
TERMINAL = {"cli", "console"}  # with commands, which are the cli's


def unit(module: str) -> str:
    """The line of the table that a module belongs to: its top package; the commands are one with cli."""
    top = module.split(".")[0]
    return "cli" if top == "commands" else top


@cache
def imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """What a file imports, anywhere in it: modules of curator, and packages of others."""
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            (ours if name.startswith("curator.") else others).add(name.removeprefix("curator."))
    return frozenset(ours - {"__version__"}), frozenset(name.split(".")[0] for name in others)


MODULES = {
    str(path.relative_to(CURATOR).with_suffix("")).replace("/", "."): path
    for path in sorted(CURATOR.rglob("*.py"))
    if path != CURATOR / "__init__.py"
}


def test_every_module_has_its_place_in_the_table() -> None:
    assert {unit(module) for module in MODULES} - set(RANK) == set(), "put it on a line of LAYERS"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    me = unit(module)
    wrong = {name for name in imports(MODULES[module])[0] if unit(name) != me and RANK[unit(name)] <= RANK[me]}

    assert wrong == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    """But for the command line, whose `demo` runs commands of it."""

    def module(name: str) -> str:
        return name if name in MODULES else name.rpartition(".")[0]

    graph = {me: {module(name) for name in imports(path)[0]} - {me} for me, path in MODULES.items()}
    graph["commands.looking"] -= {"cli"}

    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)  # CycleError names the circle


@pytest.mark.parametrize("module", [module for module in MODULES if unit(module) in SIBLINGS])
def test_no_sibling_imports_another(module: str) -> None:
    assert {unit(name) for name in imports(MODULES[module])[0]} & SIBLINGS <= {unit(module)}


@pytest.mark.parametrize("module", [module for module in MODULES if unit(module) == "maths"])
def test_maths_knows_numbers_only(module: str) -> None:
    ours, others = imports(MODULES[module])

    assert {unit(name) for name in ours} <= {"maths", "errors"}
    assert others - set(sys.stdlib_module_names) <= {"numpy", "scipy", "threadpoolctl"}


@pytest.mark.parametrize("module", [module for module in MODULES if unit(module) == "stages"])
def test_stages_know_rows_and_nothing_of_the_world(module: str) -> None:
    assert {unit(name) for name in imports(MODULES[module])[0]} <= STAGES_MAY


def test_only_the_command_line_knows_the_terminal() -> None:
    def knows(path: Path) -> bool:
        return bool(imports(path)[1] & {"click", "rich", "rich_click"})

    assert {unit(module) for module, path in MODULES.items() if knows(path)} <= TERMINAL


def test_only_two_files_of_the_studio_name_the_sdk() -> None:
    named = {module for module, path in MODULES.items() if "label_studio_sdk" in path.read_text("utf-8")}

    assert named == {"studio.client", "studio.interface"}


HEAVY = ["torch", "transformers", "ray", "label_studio_sdk", "polars", "pydantic", "numpy", "jinja2"]


@pytest.mark.parametrize("words", [["--help"], ["add", "--help"], ["--version"], ["no-such-command"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        f"import sys; from curator.cli import run; run({words});"
        f"sys.stderr.write('loaded ' + str([name for name in {HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stderr.endswith("loaded []")

"""The first step: a new workspace."""

import json
import re
import shutil
from pathlib import Path

from curator.errors import UsageError, nearest
from curator.pack import find_pack
from curator.workspace import FILE

HERE = Path(__file__).parent
SAMPLE = [HERE / "sample_data", HERE.parent / "sample_data"]  # in a wheel, in a checkout
BRINGS = ("scenarios.jsonl", "answers.jsonl", "people.jsonl")  # of a pack's sample

IGNORED = (".curator/", "datasets/", "models/", "exports/", "report.html")

CONFIG = """\
# A curator workspace. Every command finds this file from any folder below it.
name = {name}
pack = {pack}            # the labeling task: labeling_configs/{plain}
recipe = "recipe.toml"        # how answers become a dataset
base_model = "smollm2-135m-instruct"  # or a folder, or a model's name on a hub
embedder = "all-minilm-l6-v2"         # or a folder with a sentence-transformers model

[server]
url = "embedded"              # or the address of a Label Studio that runs for good
"""


def begin(folder: Path, pack: str, *, sample: bool = False) -> list[str]:
    """Make `folder` a workspace and return what was made; nothing is overwritten.

    UsageError where there is a workspace already, and where `sample` is asked for and the pack has none.
    """
    if (folder / FILE).exists():
        raise UsageError(f"{folder.resolve().name} is a workspace already. Look at it with: curator status")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", pack):
        raise UsageError(f"{pack!r} is not the name of a pack: a folder in labeling_configs, such as 'workplace'.")
    source = find_pack(pack, [folder / "labeling_configs"])
    bundle = _sample(pack) if sample else HERE
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    if not (target := folder / "labeling_configs" / pack).exists():
        shutil.copytree(source, target)
        made.append(f"labeling_configs/{pack}")
    recipe = bundle / "recipe.toml"
    wanted = {"recipe.toml": recipe if recipe.is_file() else HERE / "recipe.toml"}
    if sample:
        wanted |= {name: bundle / name for name in BRINGS}
    for name, file in wanted.items():
        if not (folder / name).exists():
            shutil.copyfile(file, folder / name)
            made.append(name)
    _ignore(folder / ".gitignore")
    name = folder.resolve().name.encode("utf-8", "replace").decode()
    named = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one thing that TOML reads otherwise
    (folder / FILE).write_text(CONFIG.format(name=named, pack=json.dumps(pack), plain=pack), "utf-8")
    return [*made, FILE]


def _sample(pack: str) -> Path:
    """Return the folder with a pack's sample: `sample_data` itself for the workplace, a folder in it for others."""
    place = next(path for path in SAMPLE if path.is_dir())
    folders = {path.parent.name: path.parent for path in place.glob("*/scenarios.jsonl")} | {"workplace": place}
    if pack not in folders:
        raise UsageError(f"The pack {pack!r} has no sample. {nearest(pack, sorted(folders))} Nothing was made.")
    return folders[pack]


def _ignore(path: Path) -> None:
    """Keep what is private or can be made again out of version control; lines that are there stay."""
    there = path.read_bytes() if path.exists() else b""
    missing = [line for line in IGNORED if line.encode() not in there.splitlines()]
    end = b"\n" if there and not there.endswith(b"\n") else b""
    path.write_bytes(there + end + b"".join(line.encode() + b"\n" for line in missing))

"""The first steps: a new workspace, and who its people are."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from curator.errors import FileError, UsageError, nearest
from curator.example import matching_form, pseudonym
from curator.files import read
from curator.pack import find_pack
from curator.store import Person
from curator.workspace import FILE, Workspace

HERE = Path(__file__).parent
SAMPLE = [HERE / "sample_data", HERE.parent / "sample_data"]  # in a wheel, in a checkout

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
    """Make `folder` a workspace and return what was made. UsageError where there is one; nothing is overwritten."""
    if (folder / FILE).exists():
        raise UsageError(f"{folder.resolve().name} is a workspace already. Look at it with: curator status")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", pack):
        raise UsageError(f"{pack!r} is not the name of a pack: a folder in labeling_configs, such as 'workplace'.")
    source = find_pack(pack, [folder / "labeling_configs"])
    bundle = next(path for path in SAMPLE if path.is_dir())
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    if not (target := folder / "labeling_configs" / pack).exists():
        shutil.copytree(source, target)
        made.append(f"labeling_configs/{pack}")
    wanted = {"recipe.toml": (bundle if sample else HERE) / "recipe.toml"}
    if sample:
        wanted |= {name: bundle / name for name in ("scenarios.jsonl", "answers.jsonl", "people.jsonl")}
    for name, file in wanted.items():
        if not (folder / name).exists():
            shutil.copyfile(file, folder / name)
            made.append(name)
    _ignore(folder / ".gitignore")
    name = folder.resolve().name.encode("utf-8", "replace").decode()
    named = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one thing that TOML reads otherwise
    (folder / FILE).write_text(CONFIG.format(name=named, pack=json.dumps(pack), plain=pack), "utf-8")
    return [*made, FILE]


def _ignore(path: Path) -> None:
    """Keep what is private or can be made again out of version control; lines that are there stay."""
    there = path.read_bytes() if path.exists() else b""
    missing = [line for line in IGNORED if line.encode() not in there.splitlines()]
    end = b"\n" if there and not there.endswith(b"\n") else b""
    path.write_bytes(there + end + b"".join(line.encode() + b"\n" for line in missing))


def add_people(workspace: Workspace, who: str, stakeholder: str | None, team: str | None, name: str | None) -> int:
    """Add one person, or all of a file, to the store; return how many are known. UsageError names a wrong role."""
    if "@" in who and not Path(who).exists():
        told = [("", {"email": who, "stakeholder": stakeholder, "team": team, "name": name})]
    else:
        records = read(Path(who))
        if bad := [record for record in records if record.value is None]:
            raise FileError(f"{bad[0].place}: {bad[0].reason}. Nobody was added; mend it and try again.")
        told = [(f"{record.place}: ", record.value or {}) for record in records]
    people: dict[str, Person] = {}
    for place, said in told:
        try:
            person = _person(workspace, said)
            if people.setdefault(person.email, person) != person:
                raise UsageError(f"{person.email} stands twice and differs.")
        except UsageError as fault:
            raise UsageError(f"{place}{fault} Nobody was added.") from None
    with workspace.store() as store:
        return store.put_people(people.values())


def _person(workspace: Workspace, said: dict[str, Any]) -> Person:
    for field in ("email", "stakeholder", "name", "team"):
        if not isinstance(said.get(field), str | None):
            raise UsageError(f"the {field} must be text, not {said[field]!r}.")
    email, role = matching_form(said.get("email") or ""), said.get("stakeholder") or ""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise UsageError(f"{said.get('email')!r} is not an e-mail address.")
    if role not in (roles := list(workspace.pack.stakeholders)):
        raise UsageError(f"{email} needs a stakeholder of the pack, not {role!r}. {nearest(role, roles)}")
    mark = pseudonym(workspace.key, "annotator", email)
    return Person(email, role, mark, said.get("name") or None, said.get("team") or None)

"""The first steps: a new workspace, and who its people are."""

import json
import shutil
from pathlib import Path

from curator.errors import FileError, UsageError, nearest
from curator.example import matching_form, pseudonym
from curator.files import read
from curator.pack import find_pack
from curator.store import Person
from curator.workspace import FILE, Workspace

HERE = Path(__file__).parent
SAMPLE = [HERE / "sample_data", HERE.parent / "sample_data"]  # in a wheel, in a checkout

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
    (folder / ".gitignore").write_text(".curator/\ndatasets/\nmodels/\nexports/\nreport.html\n", "utf-8")
    named = json.dumps(folder.resolve().name, ensure_ascii=False)
    (folder / FILE).write_text(CONFIG.format(name=named, pack=json.dumps(pack), plain=pack), "utf-8")
    return [*made, FILE]


def add_people(workspace: Workspace, who: str, stakeholder: str | None, team: str | None, name: str | None) -> int:
    """Add one person, or all of a file, to the store; return how many are known. UsageError names a wrong role."""
    if "@" in who and not Path(who).exists():
        told = [("", {"email": who, "stakeholder": stakeholder, "team": team, "name": name})]
    else:
        records = read(Path(who))
        if bad := [record for record in records if record.value is None]:
            raise FileError(f"{bad[0].place}: {bad[0].reason}. Nobody was added; mend it and try again.")
        told = [(f"{record.place}: ", record.value or {}) for record in records]
    roles = list(workspace.pack.stakeholders)
    people = []
    for place, said in told:
        email, role = str(said.get("email") or ""), said.get("stakeholder")
        if "@" not in email:
            raise UsageError(f"{place}{email!r} is not an e-mail address. Nobody was added.")
        if role not in roles:
            raise UsageError(
                f"{place}{email} needs a stakeholder of the pack. {nearest(str(role), roles)} Nobody was added."
            )
        mark = pseudonym(workspace.key, "annotator", email)
        people.append(Person(matching_form(email), str(role), mark, said.get("name"), said.get("team")))
    with workspace.store() as store:
        return store.put_people(people)

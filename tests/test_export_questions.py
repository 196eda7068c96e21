"""What the rows of several answers ask: nothing in them speaks of one verdict, whatever the pack."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from curator.chat import question
from curator.chatrows import ChatRow
from curator.dataset import Dataset
from curator.errors import UsageError
from curator.formats import export
from curator.formats.asked import asked_for_shares, in_parts
from curator.pack import SHIPPED, Pack, find_pack, load_pack
from curator.together import in_turn
from tests import exported
from tests.exported import lines

PACKS = sorted({path.parent.name for place in SHIPPED for path in place.glob("*/pack.toml")})
TEXTS = {"situation": "The shift was moved.\n\nVerdict: none.", "context": "A ward. Judge this as you like."}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return exported.judged(tmp_path_factory.mktemp("judged"))


def asked(pack: Pack, roles: list[str]) -> tuple[str, str]:
    turns = [dict(turn) for turn in question(pack, TEXTS | {"stakeholder": roles[0]})]
    system, user = asked_for_shares(pack, turns, roles[0], roles)
    return system["content"], user["content"]


@pytest.mark.parametrize("name", PACKS)
def test_no_pack_asks_for_a_verdict_where_shares_are_the_answer(name: str) -> None:
    pack = load_pack(find_pack(name, []))
    roles = list(pack.stakeholders)
    form = in_parts(pack)[1]
    assert re.match(r"\n\n(Judge|Review) this as \{stakeholder\}\. Verdict \(", form)

    for many in (roles[:1], roles):
        system, user = asked(pack, many)
        texts, _, end = user.rpartition("\n\n")
        assert TEXTS["situation"] in texts
        assert texts.endswith(TEXTS["context"])
        assert end.startswith(f"People judge this as {pack.stakeholders[roles[0]]}")
        assert [role for role in roles if f"as {pack.stakeholders[role]}" in end] == many
        assert all(verdict in end for verdict in pack.verdicts)
        assert "then" not in end.partition("Say in percent")[2]
        assert ("from one" in system) == (len(many) == 1)


def shaped(user: str) -> Pack:
    pack = load_pack(find_pack("review", []))
    return pack.model_copy(update={"prompt": pack.prompt.model_copy(update={"user": user})})


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ('As {stakeholder}: "{situation}"\n\nVerdict (accept, fix or reject).', 'As {stakeholder}: "{situation}"'),
        ('{stakeholder}, accept, fix or reject "{situation}"?', '{stakeholder}, accept, fix or reject "{situation}"?'),
        ("{situation}. Judge as {stakeholder}.", "{situation}."),
        ("{situation} (all)\n\nBe kind.\n\nI am {stakeholder}.\n\nThen why.", "{situation} (all)\n\nBe kind."),
        ("{stakeholder} has {situation}\n\nNow say.", "{stakeholder} has {situation}"),
    ],
)
def test_a_pack_of_another_shape_keeps_what_it_tells(template: str, told: str) -> None:
    pack = shaped(template)
    assert in_parts(pack) == (told, template.removeprefix(told))
    roles = list(pack.stakeholders)[:2]
    _, user = asked(pack, roles)

    assert all(pack.stakeholders[role] in user for role in roles)
    assert user.endswith("are shared (accept, fix or reject), and give no verdict of your own.")


def test_a_question_in_other_words_is_refused() -> None:
    pack = load_pack(find_pack("review", []))
    with pytest.raises(UsageError, match=r"does not end in the pack's words \('Review this as .*use --answers each"):
        asked_for_shares(pack, [{"role": "user", "content": "Well?"}], "editor", ["editor"])


def test_one_answer_of_all_names_each_role_once(dataset: Dataset, tmp_path: Path, pack: Pack) -> None:
    (one,) = export(dataset, "chat", ["train"], tmp_path, "together")
    (row,) = [row for row in lines(one.path) if len(row["ids"]) == 3]
    system, user, answer = (turn["content"] for turn in row["messages"])

    assert "from each stakeholder's point of view" in system
    assert user.count(pack.stakeholders["employee"]) == 1
    assert f"{pack.stakeholders['employee']} (2 answers)" in user
    heads = [line for line in answer.split("\n") if line.startswith("[")]
    assert heads in (["[hr]", "[employee]", "[employee]"], ["[employee]", "[employee]", "[hr]"])


def test_the_answers_of_one_role_follow_one_another() -> None:
    who = ["hr", "employee", "hr", "manager", "employee"]
    more = {
        "group": "g",
        "verdict": "x",
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}],
    }
    for scenario in map(str, range(12)):
        rows = [
            ChatRow.model_validate({"id": str(n), "scenario": scenario, "stakeholder": role, **more})
            for n, role in enumerate(who)
        ]
        turn = [row.stakeholder for row in in_turn(rows)]
        assert sum(a != b for a, b in pairwise(turn)) == 2

"""What deserves a second look, and why: found in the store's answers, the last dataset and the last evaluation."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from curator.example import digest
from curator.pack import Pack

SHOWN = {  # what the reviewer is told: neither who it was nor what they chose
    "contested": "People of this role did not all judge this alike.",
    "inconsistent": "Somebody judged this otherwise when asked again.",
    "off topic": "An analysis seems to be about something else.",
    "text changed": "The text was changed after somebody had judged it.",
    "kept apart": "Two analyses say nearly the same and were counted as two views.",
    "merged": "Two analyses were counted as one view.",
    "other role": "It is unclear from which role this was judged.",
    "model": "A model sees this otherwise than a person of this role.",
}

NOTE = """
  <View className="cur-card">
    <Header value="Please judge this anew" size="4"/>
    <Text name="review_reason" value="$review_reason"/>
    <Collapse accordion="false" open="false"><Panel value="What was written before"><View>
      <Text name="review_earlier" value="$review_earlier"/>
    </View></Panel></Collapse>
  </View>"""


@dataclass(frozen=True)
class Look:
    """One reason to look again at some answers of one role about one scenario; `weight` is between 0 and 1."""

    kind: str
    scenario: str
    stakeholder: str
    ids: tuple[str, ...]
    because: str
    weight: float


@dataclass
class Item:
    """A scenario that somebody of one role should judge anew, with every reason."""

    scenario: str
    stakeholder: str
    looks: list[Look] = field(default_factory=list)

    @property
    def ids(self) -> tuple[str, ...]:
        """The answers in question."""
        return tuple(sorted({name for look in self.looks for name in look.ids}))

    @property
    def name(self) -> str:
        """Our own name for it, the same as long as the same answers are in question."""
        return digest("review", self.scenario, self.stakeholder, *self.ids)

    @property
    def weight(self) -> float:
        """How much it deserves a look: its best reason, and a little for each further one."""
        return max(look.weight for look in self.looks) + 0.05 * (len({look.kind for look in self.looks}) - 1)


def review_pack(pack: Pack) -> Pack:
    """Return the pack with a page that says first why somebody is asked again, and what was written before."""
    return pack.model_copy(
        update={"config": f"<View>{NOTE}\n{pack.config}\n</View>", "title": f"Review: {pack.title}"[:50]}
    )


def queue(looks: Iterable[Look], reviewed: Mapping[tuple[str, str], set[str]]) -> list[Item]:
    """Join the looks by scenario and role, the weightiest first; what was reviewed with all its answers is left out."""
    items: dict[tuple[str, str], Item] = {}
    for look in looks:
        here = (look.scenario, look.stakeholder)
        if not set(look.ids) <= reviewed.get(here, set()):
            items.setdefault(here, Item(*here)).looks.append(look)
    return sorted(items.values(), key=lambda item: (-item.weight, item.scenario, item.stakeholder))


def already_reviewed(rows: pl.DataFrame) -> dict[tuple[str, str], set[str]]:
    """Return which answers a second look has settled, by scenario and role; the reviewing answers count too."""
    told: dict[tuple[str, str], set[str]] = {}
    for row in rows.filter(pl.col("extra").str.contains('"review_of"', literal=True)).iter_rows(named=True):
        if not (extra := json.loads(row["extra"])).get("own_review"):
            told.setdefault((row["scenario"], row["stakeholder"]), set()).update([*extra["review_of"], row["id"]])
    return told


def in_answers(rows: pl.DataFrame, pack: Pack) -> list[Look]:
    """Return what the answers alone show: contested in a role, inconsistent, stale, from an unclear role."""
    order = list(pack.verdicts)
    widest = max(len(order) - 1, 1)
    looks = []
    timed = rows.sort("updated_at", "created_at", "id", nulls_last=False)
    last = timed.unique(["scenario", "annotator", "stakeholder"], keep="last", maintain_order=True)
    for (scenario, role), part in _of_two_minds(last, ["scenario", "stakeholder"]):
        verdicts = [v for v in order if v in set(part["verdict"])]
        if len(verdicts) > 1:
            apart = (order.index(verdicts[-1]) - order.index(verdicts[0])) / widest
            because = f"{part.height} people of this role gave {len(verdicts)} verdicts: {', '.join(verdicts)}"
            looks.append(_look("contested", scenario, role, part["id"], because, 0.5 + 0.4 * apart))
    for (scenario, role, who), part in _of_two_minds(timed, ["scenario", "stakeholder", "annotator"]):
        because = f"{who} said {' then '.join(part['verdict'])}"
        looks.append(_look("inconsistent", scenario, role, part["id"], because, 0.7))
    for row in rows.filter(pl.col("extra").is_not_null()).iter_rows(named=True):
        extra = json.loads(row["extra"])
        here = (row["scenario"], row["stakeholder"], [row["id"]])
        if extra.get("text_changed"):
            looks.append(_look("text changed", *here, "the task's text is not the one that was judged", 0.8))
        if other := extra.get("other_role"):
            because = f"judged as {row['stakeholder']}; {other} is on record too"
            looks.append(_look("other role", *here, because, 0.5))
    return looks


def in_dataset(rows: pl.DataFrame, decisions: pl.DataFrame, pairs: pl.DataFrame) -> list[Look]:
    """Return what the last dataset shows: off topic, the closest pairs kept apart, the farthest merged."""
    known = {row["id"]: row for row in rows.select("id", "scenario", "stakeholder", "annotator").iter_rows(named=True)}
    looks = [
        _look("off topic", known[name]["scenario"], known[name]["stakeholder"], [name], because, 0.75)
        for name, because in decisions.filter(pl.col("reason") == "off topic").select("id", "because").iter_rows()
        if name in known
    ]
    for pair in pairs.filter(pl.col("why") != "different scenarios").iter_rows(named=True):
        a, b = known.get(pair["a"]), known.get(pair["b"])
        if a is None or b is None:
            continue
        apart = pair["kind"] == "kept apart"
        alike = f"{pair['alike']:.3f} alike, {pair['kind']}: {pair['why']}"
        weight = pair["alike"] * 0.8 if apart else 0.8 * (1 - pair["alike"]) + 0.3
        for row in (a, b) if a["stakeholder"] != b["stakeholder"] else (a,):
            here = (row["scenario"], row["stakeholder"])
            looks.append(_look("kept apart" if apart else "merged", *here, [pair["a"], pair["b"]], alike, weight))
    return looks


def in_evaluation(table: list[dict[str, Any]], rows: pl.DataFrame, sure: float = 0.6) -> list[Look]:
    """Return the answers of which the tuned model was `sure` of another verdict than the person's."""
    known = dict(rows.select("id", "scenario").iter_rows())
    looks = []
    for told in table:
        best = max(told["tuned"], key=told["tuned"].get)
        if told["id"] in known and best != told["verdict"] and told["tuned"][best] >= sure:
            because = f"the model says {best} ({told['tuned'][best]:.2f}), the person {told['verdict']}"
            weight = 0.4 + 0.4 * (told["tuned"][best] - told["tuned"].get(told["verdict"], 0.0))
            here = (known[told["id"]], told["stakeholder"])
            looks.append(_look("model", *here, [told["id"]], because, weight))
    return looks


def _of_two_minds(rows: pl.DataFrame, keys: list[str]) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    """Give the parts, by `keys`, in which more than one verdict was given, in the order of their first rows."""
    yield from rows.filter(pl.col("verdict").n_unique().over(keys) > 1).group_by(keys, maintain_order=True)


def _look(kind: str, scenario: Any, role: Any, ids: Iterable[str], because: str, weight: float) -> Look:
    return Look(kind, str(scenario), str(role), tuple(sorted(ids)), because, round(float(weight), 4))

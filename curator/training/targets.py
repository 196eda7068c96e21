"""What is learned of each verdict: not the one word, but what people of that role would say of that scenario.

How far one answer tells another is measured in the training answers (`curator.maths.readings`), and the target of a row
is its role's guess from all answers to the scenario: its habit where they tell little, what was said where they tell
much.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from curator.chatrows import ChatRow
from curator.maths.readings import Floats, alone, common, guesses, nearest


class Readings:
    """The verdicts of rows by scenario and role, and how far they tell each other.

    `trust`, from 0 to 1, stands in for what an answer tells of its own role (None: measured), `shared` for what it
    tells of any other role; "measured" measures that for each two.
    """

    def __init__(
        self,
        rows: Sequence[ChatRow],
        verdicts: Sequence[str],
        trust: float | None = None,
        shared: float | Literal["measured"] = 0.0,
    ) -> None:
        self.rows = rows
        self.roles = sorted({row.stakeholder for row in rows})
        scenarios = sorted({row.scenario for row in rows})
        place = [{name: at for at, name in enumerate(names)} for names in (scenarios, self.roles, verdicts)]
        self._at = np.array(
            [(place[0][row.scenario], place[1][row.stakeholder], place[2][row.verdict]) for row in rows], np.int64
        ).reshape(-1, 3)
        weights = [row.loss_weight for row in rows]
        self._counts = np.zeros((len(scenarios), len(self.roles), len(verdicts)))
        np.add.at(self._counts, tuple(self._at.T), 1.0)
        heavy = np.zeros(self._counts.shape[1:])
        np.add.at(heavy, (self._at[:, 1], self._at[:, 2]), weights)
        self.usual: Floats = heavy / heavy.sum(1, keepdims=True)  # (roles, verdicts): each role's shares, by weight
        self.common = self._told(trust, shared)

    def targets(self) -> dict[str, tuple[float, ...]]:
        """Return for each row, by id, the shares of verdicts that it stands for, in the order of the verdicts."""
        found = guesses(self._counts, self.usual, self.common)[self._at[:, 0], self._at[:, 1]]
        return {row.id: tuple(map(float, shares)) for row, shares in zip(self.rows, found, strict=True)}

    def said(self) -> dict[str, dict[str, float]]:
        """Return how far an answer of each role tells what each role would say, 0 to 1, by their names."""
        return {
            one: {other: round(float(self.common[i, j]), 4) for j, other in enumerate(self.roles)}
            for i, one in enumerate(self.roles)
        }

    def _told(self, trust: float | None, shared: float | Literal["measured"]) -> Floats:
        own = np.eye(len(self.roles), dtype=bool)
        if shared == "measured":
            found = common(self._counts, self.usual)
            return found if trust is None else nearest(np.where(own, trust, np.minimum(found, trust)))
        trust = alone(self._counts, self.usual) if trust is None else trust
        return nearest(np.where(own, trust, min(shared, trust)))

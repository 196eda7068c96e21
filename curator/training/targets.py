"""What a verdict tells of its role: targets that are drawn towards the role's habit as far as its people disagree.

One person's verdict of a scenario is what their role would say and what is this person's alone. How much is the role's
is measured where several of a role judged one scenario: the share of agreement beyond chance, pooled over the roles.
With n answers the mean of a cell is trusted as far as n such answers are (Spearman-Brown), and for the rest stand the
role's own shares over all scenarios: the posterior mean of shares under a Dirichlet prior centred on the role's.

Sources: Spearman 1910, https://doi.org/10.1111/j.2044-8295.1910.tb00206.x; Efron & Morris 1973,
https://doi.org/10.1080/01621459.1973.10481350
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

from curator.chatrows import ChatRow

UNKNOWN = 0.5  # reliability of one answer where nobody judged what another of the role did
PAIRS = 5  # pairs that stand for UNKNOWN beside those that are there, so that a few do not decide alone


def reliability(rows: Sequence[ChatRow]) -> float:
    """Return how far one verdict tells what another of the role would say of the same scenario, 0 to 1.

    0: as far as chance; 1: always. Pairs within a scenario and role; chance is the role's own.
    """
    chance = {role: sum(share**2 for share in shares.values()) for role, shares in habits(rows).items()}
    beyond, most = UNKNOWN * PAIRS * 0.5, PAIRS * 0.5
    for (_, role), verdicts in _cells(rows).items():
        for a, b in combinations(verdicts, 2):
            beyond += (a == b) - chance[role]
            most += 1 - chance[role]
    return min(max(beyond / most, 0.0), 1.0)


def habits(rows: Sequence[ChatRow]) -> dict[str, dict[str, float]]:
    """Return each role's shares of verdicts over all its answers, by weight."""
    told: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        told[row.stakeholder][row.verdict] += row.loss_weight  # type: ignore[assignment]  # a counter of weights
    return {role: {v: n / counts.total() for v, n in counts.items()} for role, counts in told.items()}


def targets(rows: Sequence[ChatRow], verdicts: Sequence[str], trust: float) -> dict[str, tuple[float, ...]]:
    """Return for each row, by id, the shares of verdicts that it stands for; `trust` is the reliability of one answer.

    The mean over the rows of a scenario and role is the cell's posterior mean.
    """
    usual, cells = habits(rows), _cells(rows)
    found = {}
    for row in rows:
        n = len(cells[row.scenario, row.stakeholder])
        own = n * trust / (1 + (n - 1) * trust)
        found[row.id] = tuple(
            own * (row.verdict == verdict) + (1 - own) * usual[row.stakeholder].get(verdict, 0.0)
            for verdict in verdicts
        )
    return found


def _cells(rows: Sequence[ChatRow]) -> dict[tuple[str, str], list[str]]:
    cells: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        cells[row.scenario, row.stakeholder].append(row.verdict)
    return cells

"""An evaluation as tables: what `curator evaluate` prints and the report shows."""

from typing import Any

NONE = "–"
VERDICT_HEAD = ["", "n", "people", "usual", "base", "tuned", "gain (95 %)", "least"]
VIEW_HEAD = ["", "n", "blind", "base", "tuned", "change", "95 %"]
BLIND = "blind: what a model has that reads neither role nor scenario."


def evaluation_rows(told: dict[str, Any]) -> list[list[Any]]:
    """Return the verdicts in percent: a row for all, each split, role, kind of scenario, field of work and team."""
    agree = {"all": told["ceiling"]["overall"]} | told["ceiling"]["stakeholder"]
    cells = [("all", told["accuracy"]["overall"])]
    for part in ("split", "stakeholder", "between_roles", "domain", "team"):
        cells += told["accuracy"][part].items()
    return [
        [
            name.replace("_", " "),
            cell["n"],
            _percent(agree[name]["share"]) if name in agree else NONE,
            *(round(100 * cell[model]["accuracy"]) for model in ("majority", "base", "tuned")),
            "{} ({})".format(*_change(cell["gain"])),
            NONE if cell["gain"]["detectable"] is None else round(100 * cell["gain"]["detectable"]),
        ]
        for name, cell in cells
    ]


def perspective_rows(told: dict[str, Any]) -> list[list[Any]]:
    """Return what else was measured: the role swap, the swap test, the distance to people."""
    contested, agreed = (told["views"]["role_swap"][part] for part in ("contested", "agreed"))
    both, swap, far = told["views"]["role_swap"]["together"], told["views"]["swap_test"], told["distribution"]
    rows: list[list[Any]] = []
    if contested["pairs"]:
        for name, key, blind in (("roles differ: moves", "moves", 0), ("right way round", "right_way_round", 50)):
            shares = [_percent(contested[model][key]) for model in ("base", "tuned")]
            rows.append([name, contested["pairs"], blind, *shares, *_change(contested["change"][key])])
    if agreed["pairs"]:
        shares = [_percent(agreed[model]["stays"]) for model in ("base", "tuned")]
        rows.append(["roles agree: stays", agreed["pairs"], 100, *shares, *_change(agreed["change"]["stays"])])
    if both["tuned"] is not None:
        change = f"{100 * (both['tuned'] - both['base']):+.0f}"
        pairs = contested["pairs"] + agreed["pairs"]
        rows.append(["both together", pairs, 50, _percent(both["base"]), _percent(both["tuned"]), change, NONE])
    if swap["n"]:
        shares = [_percent(swap[model]["share"]) for model in ("base", "tuned")]
        rows.append(["analysis fits role", swap["n"], _percent(swap["chance"]), *shares, *_change(swap["change"])])
        levelled = [_percent(swap[model]["levelled"]) for model in ("base", "tuned")]
        change = f"{100 * (swap['tuned']['levelled'] - swap['base']['levelled']):+.0f}"
        rows.append(["the same, levelled", swap["n"], _percent(swap["chance"]), *levelled, change, NONE])
        margins = [f"{swap[model]['margin']:+.3f}" for model in ("base", "tuned")]
        rows.append(["by nats a token", swap["n"], 0, *margins, *_change(swap["margin_change"], 1, 3)])
    for name, key in (("distance to people", "manhattan"), ("soft cross-entropy", "cross_entropy")):
        values = [f"{far[model][key]:.2f}" for model in ("training", "base", "tuned")]
        rows.append([name, far["cells"], *values, *_change(far["change"][key], 1, 2)])
    return rows


def _percent(share: float | None) -> Any:
    return NONE if share is None else round(100 * share)


def _change(change: dict[str, Any], times: int = 100, places: int = 0) -> list[str]:
    return [f"{times * change['difference']:+.{places}f}", _interval(change["interval"], times, places)]


def _interval(ends: list[float] | None, times: int = 100, places: int = 0) -> str:
    return "too few" if ends is None else " to ".join(f"{times * end:.{places}f}" for end in ends)

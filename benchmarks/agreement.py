"""How long agreement takes on a million answers, and whether it says what its peers say."""

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import polars as pl

from curator.maths.agreement import krippendorff
from curator.stage import Given
from curator.stages.agreement import agreement

ANSWERS = 1_000_000
PEERS = os.environ.get("CURATOR_PEERS", sys.executable)  # the python of an environment that has the peers
ALPHA = """
import sys, time, numpy as np
told = np.load(sys.argv[1])
units, who, values = told["units"], told["who"], told["values"]
start = time.process_time()
"""
PEER = {  # what each peer is asked, in a process of its own
    "krippendorff (value counts)": ALPHA
    + """
import krippendorff
start = time.process_time()
counts = np.zeros((units.max() + 1, values.max() + 1), int)
np.add.at(counts, (units, values), 1)
print(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"), time.process_time() - start)
""",
    "krippendorff (people × units)": ALPHA
    + """
import krippendorff
start = time.process_time()
matrix = np.full((who.max() + 1, units.max() + 1), np.nan)
matrix[who, units] = values
print(krippendorff.alpha(reliability_data=matrix, level_of_measurement="nominal"), time.process_time() - start)
""",
    "crowd-kit": ALPHA
    + """
import pandas as pd
from crowdkit.metrics.data import alpha_krippendorff
start = time.process_time()
print(alpha_krippendorff(pd.DataFrame({"task": units, "worker": who, "label": values})), time.process_time() - start)
""",
}


def answers(size: int, people: int = 2000, roles: int = 4) -> dict[str, np.ndarray]:
    """Return units, people, roles and values: five answers a unit, six of ten as the unit would have it."""
    chance = np.random.default_rng(0)
    units, who = chance.integers(0, size // 5, size), chance.integers(0, people, size)
    truth = chance.integers(0, 3, size // 5)[units]
    values = np.where(chance.random(size) < 0.6, truth, chance.integers(0, 3, size))
    once = np.unique(units * people + who, return_index=True)[1]  # the peers know no repeats
    return {"units": units[once], "who": who[once], "role": who[once] % roles, "values": values[once]}


def frame(told: dict[str, np.ndarray]) -> pl.DataFrame:
    """Return the answers as rows, with severities and with names of the usual length."""
    size = len(told["units"])
    moment = pl.lit(None, pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {
            "id": np.char.mod("%016d", np.arange(size)),
            "scenario": np.char.mod("%016d", told["units"] * 7919),
            "annotator": np.char.mod("annotator-%06d", told["who"]),
            "stakeholder": np.array(["employee", "manager", "hr", "outside_expert"])[told["role"]],
            "verdict": np.array(["reasonable", "questionable", "manipulative"])[told["values"]],
            "severity": np.clip(told["values"] * 2 + told["who"] % 2, 1, 5).astype(np.int64),
        }
    ).with_columns(moment.alias("created_at"), moment.alias("updated_at"))


def peers(told: dict[str, np.ndarray]) -> dict[str, tuple[float, float] | str]:
    """Return what each peer says and how long it took (CPU seconds, without imports), or why it said nothing."""
    found: dict[str, tuple[float, float] | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/told.npz", **told)
        for name, asked in PEER.items():
            try:
                said = subprocess.run(
                    [PEERS, "-c", asked, f"{folder}/told.npz"],
                    capture_output=True,
                    text=True,
                    timeout=600,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                found[name] = "more than 600 s"
                continue
            if said.returncode:
                found[name] = (said.stderr.strip().splitlines() or ["ended without a word"])[-1][:80]
            else:
                alpha, took = said.stdout.split()
                found[name] = float(alpha), float(took)
    return found


def main() -> None:
    """Print times and coefficients at a million answers, and at a size that every peer can hold."""
    print("CPU seconds on one process; peers are asked for alpha alone, without an interval.\n")
    print("| answers | who | alpha | CPU s |\n|--:|---|--:|--:|")
    for size in (30_000, ANSWERS):
        told = answers(size)
        rows = frame(told)
        start = time.process_time()
        stage = agreement(rows, given=Given())
        took = time.process_time() - start
        held = f"everything the stage says: {sum(t.height for t in stage.tables.values())} lines, 500 draws each"
        print(f"| {rows.height} | curator, {held} | {stage.measures['all']['alpha']} | {took:.2f} |")
        start = time.process_time()
        alpha = krippendorff(told["units"], told["values"], 3)
        print(f"| | curator, alpha with 1,000 draws | {alpha.alpha} | {time.process_time() - start:.2f} |")
        for name, said in peers(told).items():
            print(f"| | {name} | " + (f"– | {said} |" if isinstance(said, str) else f"{said[0]:.4f} | {said[1]:.2f} |"))

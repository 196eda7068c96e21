"""How the report's explorer holds at 10,000 examples, beside a plotly map and a DataTables table of the same rows.

Each is one self-contained file, opened in headless Chromium (no GPU: all is drawn by the processor). `CURATOR_ROWS`
(19500) is how many made answers are curated, of which about half stay; `CURATOR_ROUNDS` (7) how often each deed is
done. The peers: pip install --no-deps plotly itables
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import pipeline
from curator.dataset import Dataset
from curator.report import write_report

ROWS = int(os.environ.get("CURATOR_ROWS", "19500"))
ROUNDS = int(os.environ.get("CURATOR_ROUNDS", "7"))
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
FRAME = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"  # when it has been drawn
CHOOSE = """const field = document.querySelector('#map-controls select[name=%s]');
    field.selectedIndex = (field.selectedIndex + 1) %% field.options.length;
    field.dispatchEvent(new Event('input', { bubbles: true })); await new Promise((done) => setTimeout(done));"""
SEARCH = """const field = document.querySelector('%s'); field.value = field.value ? '' : 'tion';
    field.dispatchEvent(new Event('input', { bubbles: true }));"""
REST = "await new Promise((done) => setTimeout(done, 121));"  # the report looks when the hand has rested so long
POINT = """const place = document.querySelector('%s'); const box = place.getBoundingClientRect();
    window.hand = ((window.hand || 0) + 37) %% 300;
    const at = { clientX: box.left + 40 + 2 * window.hand, clientY: box.top + 60 + window.hand, bubbles: true };
    place.dispatchEvent(new PointerEvent('pointermove', at)); place.dispatchEvent(new MouseEvent('mousemove', at));"""
DEEDS: dict[str, dict[str, str]] = {
    "curator": {
        "colour": CHOOSE % "colour" + FRAME,
        "filter": CHOOSE % "role" + FRAME,
        "search": SEARCH % "#list-controls input[name=query]" + REST + FRAME,
        "point": POINT % "#map-plot canvas" + FRAME,
        "resize": "",
    },
    "plotly": {
        "colour": """const plot = document.querySelector('.js-plotly-plot'); window.turn = !window.turn;
            const colours = plot.data[0].customdata.map((one) => one[window.turn ? 1 : 2]);
            await Plotly.restyle(plot, { 'marker.color': [colours] });"""
        + FRAME,
        "point": POINT % ".nsewdrag" + FRAME,
        "resize": "",
    },
    "itables": {"search": SEARCH % "input[type=search]" + FRAME},
}


def ours(dataset: Dataset, file: Path) -> None:
    write_report(dataset, file)


def plotly(dataset: Dataset, file: Path) -> None:
    """Write one point a scenario with its situation as hover text."""
    graph = import_module("plotly.graph_objects")
    once = dataset.frame("examples").unique("scenario", keep="first", maintain_order=True)
    told = once.join(dataset.frame("table_map"), on="scenario")
    domains = told["domain"].rank("dense").to_list()
    number = told["verdict"].rank("dense").to_list()
    texts = told["situation"].str.slice(0, 420).to_list()
    points = graph.Scattergl if os.environ.get("CURATOR_WEBGL") else graph.Scatter
    made = points(
        x=told["x"].to_list(),
        y=told["y"].to_list(),
        mode="markers",
        text=texts,
        customdata=list(zip(texts, domains, number, strict=True)),
        marker={"color": domains},
        hoverinfo="text",
    )
    graph.Figure(made).write_html(file, include_plotlyjs=True)


def itables(dataset: Dataset, file: Path) -> None:
    """Write a searchable table of the rows."""
    rows = dataset.frame("examples").select("scenario", "stakeholder", "verdict", "situation", "analysis", "domain")
    told, script = import_module("itables"), import_module("itables.javascript")
    html = told.to_html_datatable(rows, connected=False, maxBytes=0)
    begin = script.generate_init_offline_itables_html(told.options.dt_bundle)
    file.write_text(f"<!doctype html><meta charset='utf-8'>{begin}{html}", "utf-8")


WRITERS: dict[str, Callable[[Dataset, Path], None]] = {"curator": ours, "plotly": plotly, "itables": itables}


def measure(browser: Any, file: Path, deeds: dict[str, str]) -> dict[str, float]:
    """Return milliseconds: until the file is drawn, and the median of each deed until what it changed is drawn."""
    opened = []
    for _ in range(3):
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        tab.goto(file.as_uri())
        tab.evaluate(f"async () => {{ {FRAME} }}")
        opened.append(1000 * (time.perf_counter() - start))
        if len(opened) < 3:
            tab.close()
    tab.wait_for_timeout(2000)
    told = {"open": statistics.median(opened)}
    if tab.locator("#map").count():
        tab.evaluate("document.getElementById('map').scrollIntoView()")
    for name, deed in deeds.items():
        if name == "resize":
            told[name] = statistics.median(_resized(tab, 1000 + 60 * n) for n in range(ROUNDS))
            continue
        rest = 121 if REST in deed else 0
        script = f"async () => {{ const start = performance.now(); {deed} return performance.now() - start; }}"
        told[name] = statistics.median(tab.evaluate(script) for _ in range(ROUNDS)) - rest
    tab.close()
    return told


def _resized(tab: Any, width: int) -> float:
    start = time.perf_counter()
    tab.set_viewport_size({"width": width, "height": 900})
    tab.evaluate(f"async () => {{ {FRAME} }}")
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Print a table: size, seconds to write, and milliseconds of what a reader does."""
    from playwright.sync_api import sync_playwright

    names = [name for name in WRITERS if name == "curator" or find_spec(name)]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as play:
        folder = Path(place)
        pipeline.apart("make", place, str(ROWS))
        pipeline.apart("run", place)
        dataset = Dataset.find(folder / "datasets")
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found: dict[str, dict[str, float]] = {}
        for name in names:
            file = folder / f"{name}.html"
            start = time.perf_counter()
            WRITERS[name](dataset, file)
            told = {"write, s": time.perf_counter() - start, "file, MB": file.stat().st_size / 1e6}
            found[name] = told | measure(browser, file, DEEDS[name])
        browser.close()
        scenarios = dataset.frame("examples").select(pl.col("scenario").n_unique()).item()
    print(f"{dataset.manifest['rows']:,} examples, {scenarios:,} scenarios; milliseconds where nothing else is said.\n")
    print(f"| | {' | '.join(names)} |\n|---|{'--:|' * len(names)}")
    for deed in ("write, s", "file, MB", "open", "colour", "filter", "search", "point", "resize"):
        cells = [f"{found[name][deed]:.1f}" if deed in found[name] else "–" for name in names]
        print(f"| {deed} | {' | '.join(cells)} |")

"""Forecasts of public series, compared with simple forecasts, AutoETS and AutoARIMA.

    PCWAT_DATASETS=folder python -m benchmarks.quality.series [--budget 60s] [--statsforecast PYTHON] [NAME …]

Runs `recommend train` with its defaults. The table shows MASE on the hold-out for the model, and for seasonal naive,
exponential smoothing, ridge regression and gradient boosting as the run scores them. With a Python that has
statsforecast, AutoETS and AutoARIMA are scored on at most ORIGINS evenly spaced forecast origins of the same hold-out,
and so is the model (peers/statsforecast_series.py).
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np

from benchmarks.catalogue import catalogue
from benchmarks.quality.tables import trained
from executor.data.lag_table import forward_fill, require_values, series_starts
from executor.pipeline.prepare import read_and_split
from executor.preprocessing.encode import naive_error
from recommender.dataset.dataset import Dataset
from recommender.recommendation.trial_budget import seconds
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.runs.run import Run

SERIES: Final = (
    "air_passengers", "co2_weekly", "drug_sales_monthly", "melbourne_max_temp", "sunspots_monthly",
    "uk_electricity_halfhourly", "us_births_daily", "bikeshare_hourly", "eu_stock_indices", "nox_motorway",
    "nyse_volume", "us_consumption_change", "us_macro_quarterly",
)  # fmt: skip
"""Seven univariate and six multivariate series; eu_stock_indices has no signal."""
ORIGINS: Final = 25  # beginnings on which AutoETS and AutoARIMA are scored; each takes up to a second
PEER_SECONDS: Final = 240.0  # that they may take on one dataset
BASELINES: Final = ("seasonal naive", "exponential smoothing", "linear", "gradient boosting")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One dataset's line: what was measured, by column."""

    name: str
    values: dict[str, float | None]
    remark: str
    on_origins: dict[str, float] = field(default_factory=dict)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="60s", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--statsforecast", "peer", metavar="PYTHON", help="A Python that has statsforecast.")
def main(names: tuple[str, ...], budget: str, seed: int, peer: str | None) -> None:
    rows = []
    print("forecasting (MASE on the hold-out, lower is better)", flush=True)
    for name in names or SERIES:
        rows.append(forecasting(name, budget=budget, seed=seed, peer=peer))
        print(line(rows[-1]), flush=True)
    ahead = sum(_below(row.values, "ours", "seasonal naive") for row in rows)
    print(f"below the seasonal-naive value: {ahead} of {len(rows)}")
    judged = [row for row in rows if row.on_origins]
    if judged:
        better = sum(
            row.on_origins["ours"] < min(row.on_origins["AutoETS"], row.on_origins["AutoARIMA"]) for row in judged
        )
        print(f"below AutoETS and AutoARIMA on the same beginnings: {better} of {len(judged)}")


def forecasting(name: str, *, budget: str, seed: int, peer: str | None) -> Row:
    """Train on a series of the catalogue with nothing but its targets and its task said."""
    entry = catalogue()[name]
    targets = entry["target"].split("|")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        run, took = trained(Path(entry["path"]), targets, folder / name, budget, seed, task="forecasting")
        scores = run.scores
        # Without a season the last value is the seasonal-naive one.
        mase = {key: score.mase for key, score in scores.baselines.items()}
        mase.setdefault("seasonal naive", mase["constant"])
        on_origins = {} if peer is None else beside_peers(run, entry["path"], targets, peer, folder)
        windows = run.signature.windows
    seen = "" if windows is None else f"{windows.horizon} ahead, season {windows.season or '-'}"
    late = " OVER BUDGET" if took > seconds(budget) else ""
    signal = "signal" if scores.has_signal else "NO SIGNAL"
    return Row(
        name=name,
        values={"ours": scores.others["mase"], **{key: mase.get(key) for key in BASELINES}},
        remark=f"{seen}, {run.summary.trials} trials, {took:.0f} s{late}, {signal}",
        on_origins=on_origins,
    )


def beside_peers(run: Run, path: str, targets: list[str], python: str, folder: Path) -> dict[str, float]:
    """MASE of ours, AutoETS and AutoARIMA on the same beginnings; empty where the peers failed or took too long."""
    with Dataset.open(path) as dataset:
        roles = infer_roles(dataset, Request(target=tuple(targets), task=Task.FORECASTING))
        rows = read_and_split(dataset, roles, run.bundle, seed=0)
    if rows.series is None or rows.windows is None:
        raise ValueError("a forecast has a series")
    hold_out = rows.table.take(rows.rows.hold_out)
    chosen = np.unique(np.linspace(0, len(hold_out) - 1, ORIGINS).astype(np.int64))
    place = {int(row): at for at, row in enumerate(rows.series.rows)}
    first = np.array([place[int(row)] for row in hold_out.rows[chosen]])
    values = forward_fill(require_values(rows.series.truth), series_starts(rows.series))
    work, answers = folder / "series.npz", folder / "answers.npz"
    np.savez(work, values=values, first=first, horizon=rows.windows.horizon, season=rows.windows.season or 1)
    script = Path(__file__).parent / "peers" / "statsforecast_series.py"
    try:
        subprocess.run([python, str(script), str(work), str(answers)], check=True, timeout=PEER_SECONDS)  # noqa: S603
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return {}
    scale = naive_error(rows.table.take(rows.rows.train))
    truth = require_values(hold_out.truth)[chosen]
    said = {name: array.reshape(len(chosen), -1) for name, array in np.load(answers).items()}
    said["ours"] = _predictions(run)[chosen]
    return {name: float(np.mean(np.abs(outcome - truth).mean(axis=0) / scale)) for name, outcome in said.items()}


def _predictions(run: Run) -> np.ndarray:
    """What the run answered for the hold-out, (rows, targets · horizon)."""
    with (run.directory / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    return np.array([[float(row[name]) for name in row if name.startswith("prediction")] for row in rows])


def line(row: Row) -> str:
    shown = "  ".join(f"{name} {'-' if value is None else number(value)}" for name, value in row.values.items())
    beside = "  ".join(f"{name} {number(value)}" for name, value in sorted(row.on_origins.items()))
    return f"{row.name:<26}{shown}  ({row.remark})" + (f"\n{'':<26}on {ORIGINS} beginnings: {beside}" if beside else "")


def _below(values: dict[str, float | None], one: str, other: str) -> bool:
    first, second = values[one], values[other]
    return first is not None and second is not None and first < second


if __name__ == "__main__":
    sys.exit(main())

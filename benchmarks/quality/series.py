"""Forecasts of public series, scored as fev-bench does, with statsforecast's ensemble and LightGBM on lags.

    PCWAT_DATASETS=folder python -m benchmarks.quality.series [--budget 60s] [--peers PYTHON] [NAME …]

Runs `recommend train` with its defaults. The first line of a dataset shows MASE on the whole hold-out for the model
and the baselines, as the run scores them. With a Python that has the packages of the competitors (README.md), the
evaluated model, seasonal naive, statsforecast's ensemble and LightGBM by mlforecast are scored on at most ORIGINS
evenly spaced forecast origins of the same hold-out (peers/statsforecast_series.py, peers/mlforecast_series.py): MASE,
and SQL, the scaled quantile loss of nine quantiles.

The skill scores are those of fev-bench (Shchur et al. 2025, arXiv 2509.26468, section 4): 1 minus the geometric mean
over datasets of the error relative to seasonal naive, clipped to RELATIVE, with a 95 % bootstrap interval over the
datasets.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np

from benchmarks.catalogue import catalogue
from benchmarks.quality.tables import trained
from executor.components.metric_functions import pinball_loss
from executor.data.series.lag_table import forward_fill, require_values, series_starts
from executor.pipeline.prepare import read_and_split
from executor.preprocessing.encode import naive_error
from recommender.dataset.dataset import Dataset
from recommender.recommendation.trial_budget import seconds
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from executor.data.raw_table import RawTable
    from executor.runs.run import Run

SERIES: Final = (
    "air_passengers", "co2_weekly", "drug_sales_monthly", "melbourne_max_temp", "sunspots_monthly",
    "uk_electricity_halfhourly", "us_births_daily", "bikeshare_hourly", "eu_stock_indices", "nox_motorway",
    "nyse_volume", "us_consumption_change", "us_macro_quarterly",
)  # fmt: skip
"""Seven univariate and six multivariate series; eu_stock_indices has no signal."""
ORIGINS: Final = 25  # forecast origins on which the competitors are scored; each takes up to seconds
PEER_SECONDS: Final = 900.0  # that a competitor may take on one dataset
PEERS: Final = ("statsforecast_series.py", "mlforecast_series.py")
BASELINES: Final = (
    "seasonal naive", "exponential smoothing", "theta", "mean of forecasts", "linear", "gradient boosting",
)  # fmt: skip
NAIVE, OURS = "seasonal naive", "ours"
QUANTILES: Final = np.arange(1, 10) / 10
RELATIVE: Final = (1e-2, 1e2)  # limits of relative errors in fev-bench
RESAMPLES: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Competitors:
    """A Python with the packages of the competitors, and a folder that keeps their answers."""

    python: str | None
    kept: Path | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """The scores of one dataset: MASE by baseline on the hold-out; MASE and SQL by competitor on some origins."""

    name: str
    values: dict[str, float | None]
    remark: str
    mase: dict[str, float] = field(default_factory=dict)
    sql: dict[str, float] = field(default_factory=dict)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="60s", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--peers", "python", metavar="PYTHON", help="A Python with the packages of the competitors.")
@click.option("--answers", "kept", type=click.Path(path_type=Path), help="Folder that keeps the competitors' answers.")
def main(names: tuple[str, ...], budget: str, seed: int, python: str | None, kept: Path | None) -> None:
    rows = []
    print("forecasting (lower is better)", flush=True)
    for name in names or SERIES:
        rows.append(forecasting(name, budget=budget, seed=seed, peers=Competitors(python=python, kept=kept)))
        print(line(rows[-1]), flush=True)
    ahead = sum(_below(row.values, OURS, NAIVE) for row in rows)
    print(f"MASE below that of seasonal naive: {ahead} of {len(rows)}")
    for metric, scores in (("MASE", [row.mase for row in rows]), ("SQL", [row.sql for row in rows])):
        for system, (value, low, high, count) in skills(scores).items():
            print(f"{metric} skill  {system:<16}{value:.3f}  (95 %: {low:.3f} to {high:.3f}; {count} datasets)")


def forecasting(name: str, *, budget: str, seed: int, peers: Competitors) -> Row:
    """Train on a series of the catalogue with nothing but its targets and its task given."""
    entry = catalogue()[name]
    targets = entry["target"].split("|")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        run, took = trained(Path(entry["path"]), targets, folder / name, budget, seed, task="forecasting")
        scores, size = run.scores, run.summary.size
        # Without a season the last value is the seasonal-naive one.
        mase = {key: score.mase for key, score in scores.baselines.items()}
        mase.setdefault(NAIVE, mase["constant"])
        found = ({}, {}) if peers.python is None else score_peers(run, entry["path"], targets, peers, folder)
        windows = run.signature.windows
    shown = "" if windows is None else f"{windows.horizon} ahead, season {windows.season or '-'}"
    late = " OVER BUDGET" if took > seconds(budget) else ""
    full = "" if size is None or not run.summary.reduction else ", shortened"
    signal = "signal" if scores.has_signal else "NO SIGNAL"
    return Row(
        name=name,
        values={OURS: scores.others["mase"], **{key: mase.get(key) for key in BASELINES}},
        remark=f"{shown}, {run.summary.trials} trials{full}, {took:.0f} s{late}, {signal}",
        mase=found[0],
        sql=found[1],
    )


def score_peers(
    run: Run, path: str, targets: list[str], peers: Competitors, folder: Path
) -> tuple[dict[str, float], dict[str, float]]:
    """MASE and SQL of the model and the competitors on the same origins; without those that failed or took too long."""
    with Dataset.open(path) as dataset:
        roles = infer_roles(dataset, Request(target=tuple(targets), task=Task.FORECASTING))
        data = read_and_split(dataset, roles, run.bundle, seed=0)
    if data.series is None or data.windows is None:
        raise ValueError("a forecast has a series")
    hold_out = data.table.take(data.rows.hold_out)
    chosen = np.unique(np.linspace(0, len(hold_out) - 1, ORIGINS).astype(np.int64))
    place = {int(row): at for at, row in enumerate(data.series.rows)}
    first = np.array([place[int(row)] for row in hold_out.rows[chosen]])
    work = folder / "series.npz"
    np.savez(
        work,
        values=forward_fill(require_values(data.series.truth), series_starts(data.series)),
        first=first,
        horizon=data.windows.horizon,
        season=data.windows.season or 1,
        stamps=_stamps(data.series),
    )
    shape = len(chosen), len(targets), data.windows.horizon
    truth = require_values(hold_out.truth)[chosen].reshape(shape)
    scale = naive_error(data.table.take(data.rows.train)).reshape(shape[1:])
    mase: dict[str, float] = {}
    sql: dict[str, float] = {}
    answers: dict[str, np.ndarray] = _own_answers(run, chosen, shape, hold_out.take(chosen).spread)
    for script in PEERS:
        answers |= _peer_answers(script, work, peers)
    for name, point in answers.items():
        if name.endswith(" quantiles"):
            loss = 2 * pinball_loss(truth, point, QUANTILES).mean(axis=3) / scale
            sql[name.removesuffix(" quantiles")] = float(loss.mean())
        else:
            mase[name] = float(np.mean(np.abs(point - truth) / scale))
    return mase, sql


def _peer_answers(script: str, work: Path, peers: Competitors) -> dict[str, np.ndarray]:
    """What a competitor answers, by name; nothing if it fails. Kept answers are those to the same exchange file."""
    digest = sha256(work.read_bytes()).hexdigest()[:16]
    answers = (peers.kept or work.parent) / f"{digest}-{script.removesuffix('.py')}.npz"
    if not answers.exists():
        answers.parent.mkdir(parents=True, exist_ok=True)
        command = [str(peers.python), str(Path(__file__).parent / "peers" / script), str(work), str(answers)]
        try:
            subprocess.run(command, check=True, timeout=PEER_SECONDS)  # noqa: S603  our own script
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return {}
    return dict(np.load(answers))


def _stamps(series: RawTable) -> np.ndarray:
    """Time of each step in seconds, (steps,); empty without a clock."""
    return np.empty(0) if series.time is None or not series.has_clock else series.time


def _own_answers(
    run: Run, chosen: np.ndarray, shape: Sequence[int], spread: np.ndarray | None
) -> dict[str, np.ndarray]:
    """What the evaluated model predicted for some rows of the hold-out. spread: of their windows."""
    with (run.directory / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    outcome = np.array([[float(row[name]) for name in row if name.startswith("prediction")] for row in rows])[chosen]
    own = {OURS: outcome.reshape(shape)}
    quantiles = run.signature.quantiles
    if quantiles is not None and quantiles.is_measured:
        own[f"{OURS} quantiles"] = quantiles.values(outcome, spread).reshape(*shape, len(QUANTILES))
    return own


def skills(scores: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float, float, int]]:
    """Skill score of each system, its 95 % interval, and the number of datasets on which all systems have a score."""
    systems = list(dict.fromkeys(name for one in scores for name in one))
    whole = [one for one in scores if {*one} == {*systems}]
    if not whole:
        return {}
    logs = np.log([[np.clip(one[name] / one[NAIVE], *RELATIVE) for name in systems] for one in whole])
    drawn = np.random.default_rng(0).integers(len(whole), size=(RESAMPLES, len(whole)))
    samples = 1 - np.exp(logs[drawn].mean(axis=1))
    low, high = np.percentile(samples, [2.5, 97.5], axis=0)
    values = 1 - np.exp(logs.mean(axis=0))
    found = zip(systems, values.tolist(), low.tolist(), high.tolist(), strict=True)
    return {name: (value, least, most, len(whole)) for name, value, least, most in found}


def line(row: Row) -> str:
    shown = "  ".join(f"{name} {'-' if value is None else number(value)}" for name, value in row.values.items())
    lines = [f"{row.name:<26}{shown}  ({row.remark})"]
    for metric, scores in (("MASE", row.mase), ("SQL", row.sql)):
        if scores:
            own = "  ".join(f"{name} {number(value)}" for name, value in scores.items())
            lines.append(f"{'':<26}{metric} on {ORIGINS} origins: {own}")
    return "\n".join(lines)


def _below(values: dict[str, float | None], one: str, other: str) -> bool:
    first, second = values[one], values[other]
    return first is not None and second is not None and first < second


if __name__ == "__main__":
    sys.exit(main())

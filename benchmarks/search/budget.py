"""Whether runs keep their time limit and finish a full training, at full speed, on one core, and on a busy machine.

    PCWAT_DATASETS=folder python -m benchmarks.search.budget [--budget 60s] [--condition full] [--runs FOLDER]
        [NAME … | --all]

Columns: trials that `trial_budget` planned with its interval; completed trials; those that ended all planned epochs or
stopped early; those cut short; networks and epochs of a full training, and as planned; seconds of the process over the
limit; the best baseline and its score; the verdict. At the end: how often the interval holds the completed trials, how
often the limit holds within 5 % or 3 s, where no trial was completed, and where the verdict advises against a model
and a baseline other than the constant one is better. After runs at full speed and on one core: which scores of tables
with fewer than 3,000 rows are more than 5 % worse on one core.

With --runs, the runs are kept in FOLDER/BUDGET/CONDITION/NAME, and those that are there are read instead of
trained again, so that a measurement can be interrupted and continued.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from benchmarks.catalogue import catalogue
from benchmarks.quality.tables import run_directory, runs_folder, trained
from executor.evaluation.verdict import reach_verdict
from executor.search.records.journal import Journal
from recommender.recommendation.trial_budget import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from executor.evaluation.scores import Scores
    from executor.runs.run import Run

CHOSEN: Final = (
    "breast_cancer", "email_spam_openintro", "software_defects_pc1", "vehicle", "maternal_health_risk", "ecoli",
    "nursery", "scene", "airfoil_noise", "wage_islr", "nyc_flight_delay", "titanic", "house_prices_ames",
    "adult_income", "car_vgood",
)  # fmt: skip
CONDITIONS: Final = ("full", "one core", "busy")
TOLERANCE: Final = (0.05, 3.0)  # share of the limit, seconds; the larger one counts
BUSY_LOOPS: Final = 2
WORSE: Final = 0.05
"""Loss of score on one core, relative to the score at full speed, that counts as worse."""
TINY: Final = 1e-9  # avoids division by zero
OTHER: Final = ("ts_", "image", "text")  # kinds that are not tables
SMALL: Final = 3_000  # rows of the tables whose scores are compared


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="60s", show_default=True)
@click.option("--condition", "conditions", type=click.Choice(CONDITIONS), multiple=True, help="All by default.")
@click.option("--runs", type=click.Path(path_type=Path), help="Folder that keeps the runs.")
@click.option("--all", "every", is_flag=True, help="All datasets of the catalogue.")
def main(names: tuple[str, ...], budget: str, conditions: tuple[str, ...], runs: Path | None, *, every: bool) -> None:
    listed = catalogue()
    chosen = names or (tuple(listed) if every else CHOSEN)
    scores: dict[str, dict[str, Scores]] = {}
    for condition in conditions or CONDITIONS:
        print(f"\n{condition}, {budget}")
        print(
            f"{'dataset':<24}{'P':<10}{'hold-out':>10}{'planned':>16}{'done':>6}{'full':>6}{'cut':>5}{'networks':>10}"
            f"{'epochs':>10}{'over':>7}  {'baseline':<32}verdict"
        )
        held = kept = 0
        unfinished, unusable, failed = [], [], []
        for name in chosen:
            row = listed[name]
            with runs_folder(runs) as folder, ExitStack() as stack:
                stack.enter_context(_condition(condition))
                directory = run_directory(folder, name, budget, condition)
                try:
                    run, took = trained(
                        Path(row["path"]), row["target"].split("|"), directory, budget, 0, task=row["task"]
                    )
                except subprocess.CalledProcessError as error:
                    failed.append(name)
                    print(f"{name:<24}{error.stderr.decode().strip().splitlines()[-1]}", flush=True)
                    continue
                inside, line = _line(name, run, took - seconds(budget))
            scores.setdefault(condition, {})[name] = run.scores
            share, most = TOLERANCE
            held += inside
            if not run.summary.completed:
                unfinished.append(name)
            if _is_worse_than_usable(run):
                unusable.append(name)
            kept += took - seconds(budget) <= max(share * seconds(budget), most)
            print(line, flush=True)
        count = len(chosen) - len(failed)
        print(f"the interval holds the completed trials in {held} of {count}, the limit is kept in {kept} of {count}")
        for title, found in (
            ("no completed training", unfinished),
            ("a model that is not usable where a baseline is", unusable),
            ("failed", failed),
        ):
            print(f"{title}: {', '.join(found) or 'none'}")
    if CONDITIONS[0] in scores and CONDITIONS[1] in scores:
        small = {
            one for one in chosen if int(listed[one]["rows"]) < SMALL and not listed[one]["kind"].startswith(OTHER)
        }
        print(_compared(*({name: scores[one][name] for name in scores[one].keys() & small} for one in CONDITIONS[:2])))


def _compared(full: Mapping[str, Scores], one_core: Mapping[str, Scores]) -> str:
    """How many scores are worse on one core, and which."""
    losses = {}
    for name in sorted(full.keys() & one_core.keys()):
        best, own = full[name].hold_out.value, one_core[name].hold_out.value
        if best is not None and own is not None:
            losses[name] = full[name].direction.sign * (best - own) / max(abs(best), TINY)
    worse = ", ".join(f"{name} {loss:.1%}" for name, loss in losses.items() if loss > WORSE)
    return f"scores more than {WORSE:.0%} worse on one core, of {len(losses)} tables: {worse or 'none'}"


def _line(name: str, run: Run, over: float) -> tuple[bool, str]:
    """Whether the interval holds the completed trials, and the line of a run. over: seconds beyond the limit."""
    planned, summary, score = run.record.facts["trial_budget"], run.summary, run.scores.hold_out.value
    low, high = planned.low or planned.value, planned.high or planned.value
    ended = [one.ended_by for one in Journal(run.directory).outcomes]
    full = sum(one in {"completed", "early_stopping"} for one in ended)
    size = summary.size
    networks = epochs = ""
    if size is not None:
        networks = f"{size.networks}/{size.planned_networks}"
        epochs = f"{size.epochs}/{size.planned_epochs}"
    interval = f"{planned.value} ({low:g} to {high:g})"
    value = "" if score is None else f"{score:.4g}"
    inside = isinstance(low, int | float) and isinstance(high, int | float) and low <= summary.completed <= high
    return inside, (
        f"{name:<24}{run.scores.metric:<10}{value:>10}{interval:>16}{summary.completed:>6}{full:>6}"
        f"{summary.cut_short:>5}{networks:>10}{epochs:>10}{over:>7.1f}  {_best_baseline(run):<32}"
        f"{reach_verdict(run.scores).headline}"
    )


def _best_baseline(run: Run) -> str:
    scored = {name: one.value for name, one in run.scores.baselines.items() if one.value is not None}
    if not scored:
        return ""
    best = run.scores.direction.best(scored, key=scored.get)
    return f"{best} {scored[best]:.4g}"


def _is_worse_than_usable(run: Run) -> bool:
    """Whether the verdict advises against the model, and a baseline other than the constant one is better than it."""
    return reach_verdict(run.scores).kind == "bad" and any(
        one.gain.is_negative for name, one in run.scores.baselines.items() if name != "constant"
    )


@contextmanager
def _condition(name: str) -> Iterator[None]:
    """Restrict processes to one core, or keep the machine busy."""
    if name == "one core":
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)
    elif name == "busy":
        loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)]
        try:
            yield
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
    else:
        yield


if __name__ == "__main__":
    main()

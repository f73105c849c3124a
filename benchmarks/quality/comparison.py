"""Hold-out scores on public tables of every task: `recommend train` with its defaults, and eleven competitors.

    PCWAT_DATASETS=folder python -m benchmarks.quality.comparison [--datasets vehicle …] [--budget 60]
    PCWAT_DATASETS=folder python -m benchmarks.quality.comparison --peers flaml=PYTHON hgb=PYTHON … [--datasets …]

The first form trains pcwat, for --budget seconds per dataset, and reads the competitors' scores from peers.json; with
--save it keeps its own, from which peers/leaderboard.py computes Elo and improvability with intervals. The second form
runs the named competitors, each with the Python of its own environment (peers/*.py list its packages), and saves their
scores in peers.json, next to those of other budgets. A competitor with a time limit needs a machine of its own:
peers.json records how many cores other processes used meanwhile.

All systems get the same rows and are scored by the same function. A system that fails ranks last. F1 is computed from
each system's own decisions: of the rare class if there are two classes, else the mean over the classes.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.catalogue import catalogue
from benchmarks.quality.contest import (
    RUNNER_OF,
    SEED,
    Contest,
    Result,
    machine,
    open_contest,
    read_results,
    run_peer,
    write_results,
)
from benchmarks.quality.standings import Scored, complete, gain, mean_ranks, wins
from benchmarks.quality.tables import run_directory, trained
from rules.text.numbers import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS: Final = "ours"
WIDTH: Final = 140  # letters, of a table of eight systems
MAX_LOAD: Final = 0.4  # of two cores, used by others: a fifth of what a time-bounded peer would have had
TIMED: Final = ("flaml", "autokeras", "autogluon", "autogluon_nn", "autogluon_best", "realmlp", "tabm", "catboost")
CHOSEN: Final = (
    "email_spam_openintro", "airfoil_noise", "vehicle", "german_credit", "software_defects_pc1", "house_prices_ames",
    "adult_income", "hpc_jobs", "nass_crash_fatality", "computer_prices", "titanic", "letter_recognition", "caravan",
    "cps1988_wage", "chile_vote", "wine_quality_white", "cell_segmentation", "glass",
)  # fmt: skip
"""Single targets, 200 to 50,000 rows. Two classes, balanced and not; several, balanced and not; numbers, with outliers
and without; words, gaps, wide tables. In an order in which any beginning mixes them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=CHOSEN, metavar="NAME")
    parser.add_argument("--peers", nargs="+", default=(), metavar="PEER=PYTHON", help=f"of {', '.join(RUNNER_OF)}")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds, of each system on each dataset")
    parser.add_argument("--runs", type=Path, metavar="FOLDER", help="keeps our runs; those that are there are read")
    parser.add_argument("--save", type=Path, metavar="FILE", help="for our results, which peers/leaderboard.py reads")
    given = parser.parse_args()
    peers = dict(each.split("=", 1) for each in given.peers)
    if unknown := peers.keys() - RUNNER_OF.keys():
        parser.error(f"--peers knows {', '.join(RUNNER_OF)}, but got {', '.join(sorted(unknown))}")
    listed = catalogue()
    contests: list[Contest] = []
    own: list[Result] = []
    for name in given.datasets:
        path, target = Path(listed[name]["path"]), listed[name]["target"]
        with tempfile.TemporaryDirectory() as directory:
            contest = open_contest(name, path, target, directory=Path(directory) if peers else None)
            contests.append(contest)
            for peer, python in peers.items():
                kept = run_peer(contest, peer, python, budget=given.budget, directory=Path(directory))
                print(f"{name}: {said(kept)}", flush=True)
                write_results((read_results() | {(name, peer, given.budget): kept}).values())
            if not peers:
                own.append(ours(contest, path, target, given.budget, given.runs or Path(directory)))
                print(f"{name}: {said(own[-1])}", flush=True)
    if given.save is not None:
        write_results(own, given.save)
    report(contests, own, Console(width=max(WIDTH, Console().width)), budget=given.budget)


def ours(contest: Contest, path: Path, target: str, budget: float, directory: Path) -> Result:
    """Train as `recommend train` does by default. Raises ValueError if it was judged on other rows than the peers."""
    limit = f"{budget:g}s"
    run, took = trained(path, [target], run_directory(directory, contest.name, limit), limit, SEED)
    with (run.directory / "predictions.csv").open(newline="", encoding="utf-8") as file:
        judged = [int(row["row"]) for row in csv.DictReader(file)]
    if judged != contest.rows.rows[contest.parts.hold_out].tolist():
        raise ValueError(f"{contest.name}: the run was judged on other rows than its peers are.")
    return Result(
        dataset=contest.name,
        peer=OURS,
        split=contest.digest,
        metric=run.scores.metric,
        direction=run.scores.direction,
        score=run.scores.hold_out.value,
        note=f"{run.summary.trials} trials, {run.summary.cut_short} cut short",
        seconds=round(took, 1),
        budget=budget,
        machine=machine(),
    )


def said(result: Result) -> str:
    """A result in words."""
    value = "no answer" if result.score is None else f"{result.metric} {number(result.score)}"
    note = f" ({result.note})" if result.note else ""
    load = "" if result.load is None else f", others used {result.load:g} cores"
    return f"{result.peer} {value}{note} in {result.seconds:.0f} s{load}"


def report(contests: Sequence[Contest], own: Sequence[Result], console: Console, *, budget: float) -> None:
    """Print who scored what within a budget, the mean ranks, and ours against each peer."""
    found: dict[str, list[Result]] = {contest.name: [] for contest in contests}
    known = {contest.name: (contest.digest, contest.metric.name) for contest in contests}
    stale = 0
    for result in [*own, *read_results().values()]:
        if result.dataset in known and result.budget == budget:
            is_of_today = known[result.dataset] == (result.split, result.metric)
            stale += not is_of_today
            found[result.dataset] += [result] if is_of_today else []
    table = {
        name: Scored(direction=results[0].direction, scores={each.peer: each.score for each in results})
        for name, results in found.items()
        if results
    }
    systems = [name for name in (OURS, *RUNNER_OF) if any(name in scored.scores for scored in table.values())]
    metrics = {contest.name: contest.metric.name for contest in contests}
    show_scores(table, metrics, systems, console)
    crowded = [each.peer for results in found.values() for each in results if (each.load or 0) > MAX_LOAD]
    if bounded := [peer for peer in crowded if peer in TIMED]:
        console.print(f"{len(bounded)} scores of time-bounded peers are from when others used over {MAX_LOAD} cores.")
    if stale:
        console.print(f"{stale} scores of peers are of other rows or of another P: run those peers again.")
    if own:
        imbalanced = {name: scored for name, scored in table.items() if metrics[name] == "f1"}
        show_duels(table, imbalanced, systems[1:], console)


def show_scores(table: Mapping[str, Scored], metrics: Mapping[str, str], systems: list[str], console: Console) -> None:
    shown = Table("dataset", "P", title="P on the hold-out; the best in bold", title_justify="left")
    for system in systems:
        shown.add_column(system, justify="right")
    for name, scored in table.items():
        best = min(scored.scores, key=scored.badness)
        cells = []
        for system in systems:
            value = scored.scores.get(system)
            text = ("none" if system in scored.scores else "") if value is None else number(value)
            is_best = value is not None and value == scored.scores[best]
            cells.append(f"[bold]{text}[/bold]" if is_best else text)
        shown.add_row(escape(name), f"{metrics[name]} {'↑' if scored.direction == 'max' else '↓'}", *cells)
    console.print(shown)
    means = mean_ranks(table, systems)
    ranked = ", ".join(f"{system} {rank:.2f}" for system, rank in means.items())
    console.print(f"Mean rank over the {len(complete(table, systems))} datasets that all have: {ranked or 'none yet'}")


def show_duels(
    table: Mapping[str, Scored], imbalanced: Mapping[str, Scored], peers: list[str], console: Console
) -> None:
    shown = Table("ours against", title="A tie is half a win", title_justify="left")
    for heading in ("wins", "of", "share", "gain in mean F1, imbalanced", "of"):
        shown.add_column(heading, justify="right")
    for peer in peers:
        won, count = wins(table, OURS, peer)
        more, both = gain(imbalanced, OURS, peer), len(complete(imbalanced, [OURS, peer]))
        shown.add_row(
            peer,
            f"{won:g}",
            str(count),
            f"{won / count:.0%}" if count else "",
            "from 0" if more is None and both else "" if more is None else f"{more:+.1%}",
            str(both),
        )
    console.print(shown)


if __name__ == "__main__":
    main()

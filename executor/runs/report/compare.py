"""Comparison of runs as HTML: scores, data, strategy and search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executor.evaluation.scores import format_estimate
from executor.evaluation.verdict import EXPECTED_COST, reach_verdict
from executor.runs.report.plots.comparison import score_plot
from executor.runs.report.plots.drawing import distinct_names
from executor.runs.scoreboard import ENDINGS
from rules.text.numbers import number
from rules.text.templating import environment
from rules.vocabulary.choices.slot import NOTES_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.runs.report.plots.drawing import Plot
    from executor.runs.run import Run

Row = tuple[str, list[str]]
"""Label of a row, and its value for each run."""
NONE: Final = "-"


def comparison_page(runs: Sequence[Run]) -> str:
    """Render a comparison of finished runs as HTML. Names and values from the data are escaped.

    Raises RunError on a file of a run that is missing or damaged.
    """
    names = distinct_names(run.directory.resolve().name for run in runs)
    return (
        environment("executor.runs.report")
        .get_template("compare.html")
        .render(
            names=names,
            verdicts=[reach_verdict(run.scores) for run in runs],
            plots=_plots(runs, names),
            warnings=_warnings(runs),
            parts={
                "Data": _data(runs),
                "Scores": _scores(runs),
                "Strategy": _choices(runs),
                "Search": _search(runs),
            },
        )
    )


def _plots(runs: Sequence[Run], names: list[str]) -> list[Plot]:
    """Scores with their intervals, one plot per metric."""
    metrics = list(dict.fromkeys(run.scores.metric for run in runs))
    found = [
        score_plot(
            {name: run.scores.hold_out for name, run in zip(names, runs, strict=True) if run.scores.metric == metric},
            metric,
            title=f"{metric} on the hold-out",
        )
        for metric in metrics
    ]
    return [plot for plot in found if plot is not None]


def _warnings(runs: Sequence[Run]) -> list[str]:
    """Reasons why scores cannot be compared."""
    found = []
    if len({run.record.dataset.digest for run in runs}) > 1:
        found.append("The runs were trained on different datasets, so their scores are not comparable.")
    elif len({(run.plan.seed, run.summary.split) for run in runs}) > 1:
        found.append("The runs have different splits, so each was evaluated on other rows.")
    if len({run.scores.metric for run in runs}) > 1:
        found.append("The runs have different metrics.")
    return found


def _data(runs: Sequence[Run]) -> list[Row]:
    seen = [run.record.dataset for run in runs]
    return [
        ("dataset", [one.name for one in seen]),
        ("digest", [one.digest[:19] for one in seen]),
        ("rows", [f"{one.rows:,}" for one in seen]),
        ("task", [one.task for one in seen]),
        ("target", [", ".join(one.targets) for one in seen]),
        ("split", [run.summary.split for run in runs]),
    ]


def _scores(runs: Sequence[Run]) -> list[Row]:
    scores = [run.scores for run in runs]
    baselines = dict.fromkeys(name for one in scores for name in one.baselines)
    others = dict.fromkeys(name for one in scores for name in one.others)
    return [
        ("metric", [one.metric for one in scores]),
        ("on the hold-out", [format_estimate(one.hold_out) for one in scores]),
        ("on the validation rows", [_number(one.validation) for one in scores]),
        *(
            (name, [_number(one.baselines[name].value) if name in one.baselines else NONE for one in scores])
            for name in baselines
        ),
        *(
            [(EXPECTED_COST, [NONE if one.cost is None else format_estimate(one.cost.model) for one in scores])]
            if any(one.cost is not None for one in scores)
            else []
        ),
        *((name.replace("_", " "), [_number(one.others.get(name)) for one in scores]) for name in others),
    ]


def _choices(runs: Sequence[Run]) -> list[Row]:
    rows = [
        (
            slot.label,
            [str(run.record.decisions[slot].choice) if slot in run.record.decisions else NONE for run in runs],
        )
        for slot in NOTES_ORDER
    ]
    best = [run.summary.best_hyperparameters for run in runs]
    names = dict.fromkeys(name for one in best for name in one)
    found = [
        (f"best {name.replace('_', ' ')}", [number(one[name]) if name in one else NONE for one in best])
        for name in names
    ]
    return [(name, values) for name, values in [*rows, *found] if set(values) != {NONE}]


def _search(runs: Sequence[Run]) -> list[Row]:
    summaries = [run.summary for run in runs]
    return [
        ("seed", [str(run.plan.seed) for run in runs]),
        ("trials completed", [f"{one.completed:,} of {one.trials:,}" for one in summaries]),
        ("seconds", [number(one.seconds) for one in summaries]),
        ("ended by", [ENDINGS[one.stopped_by] for one in summaries]),
        ("networks of the model", [f"{max(1, len(one.members))}" for one in summaries]),
        ("started", [run.record.created[:16].replace("T", " ") for run in runs]),
        ("pcwat", [run.record.version for run in runs]),
    ]


def _number(value: float | None) -> str:
    return NONE if value is None else number(value)

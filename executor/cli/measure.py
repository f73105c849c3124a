"""The verbs `recommend rules measure` and `recommend rules scorecard`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from executor.pipeline.measurement.alternatives import MEASURED
from executor.pipeline.measurement.corpus import read_corpus
from executor.pipeline.measurement.measure import HANDBOOK, Order
from executor.pipeline.measurement.measure import measure as measure_corpus
from executor.runtime.cluster import connect
from executor.runtime.tensorflow_import import check_tensorflow
from recommender.cli.options import read_pins
from recommender.planning.cluster_address import parse_cluster
from recommender.recommendation.trial_budget import seconds as seconds_of
from rules.cli.output import (
    Verbosity,
    emit_json,
    examples,
    force_option,
    format_option,
    print_status,
    verbosity_options,
)
from rules.cli.parameters import book_option
from rules.cli.render import show_scorecard
from rules.errors import MeasurementError, did_you_mean
from rules.rulebook.project_settings import layers
from rules.rulebook.rulebook import read_layers
from rules.scorecard.decide_again import Books
from rules.scorecard.page import to_markdown
from rules.scorecard.results import Settings, choice_fields, read_measurements, write_parquet
from rules.scorecard.score import score
from rules.text.files import refuse_existing_output, write_text
from rules.vocabulary.choices import Slot
from rules.vocabulary.choices import names as choice_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executor.pipeline.measurement.measure import Step

RESULTS: Final = Path("results.jsonl")
QUICK: Final = {"share": 0.25, "rows": 1_000}


@click.command(
    short_help="Measure what choices of rules are worth on datasets.",
    epilog=examples(
        "recommend rules measure optimizer --corpus datasets",
        "recommend rules measure A101 --against adam --corpus datasets --quick --budget 10m",
        "recommend rules measure --corpus datasets --jobs 2 -o results.jsonl",
        "recommend rules measure --corpus datasets --cluster 10.0.0.1:6379",
        "recommend rules measure hyperparameters --corpus datasets --quick",
    ),
)
@click.argument("what", nargs=-1, metavar="[SLOT|RULE]…")
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder with catalogue.csv: columns name, file, target and optionally task, time, entity, split.",
)
@click.option(
    "--dataset", "names", multiple=True, metavar="NAME", help="Measure only this dataset; repeat it for several."
)
@click.option(
    "--against",
    multiple=True,
    metavar="CHOICE",
    help="Name of an alternative, or 'handbook' for the choice of the handbook; repeatable [all admissible ones].",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Trainings of each choice on a split."
)
@click.option(
    "--splits",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Random splits into training, validation and test rows.",
)
@click.option(
    "--rows", type=click.IntRange(min=50), default=5_000, show_default=True, metavar="N", help="Rows at most."
)
@click.option(
    "--configurations",
    type=click.IntRange(min=12),
    default=24,
    show_default=True,
    metavar="N",
    help="Random configurations of each dataset, for the slot hyperparameters.",
)
@click.option("--quick", is_flag=True, help="A quarter of the epochs, on at most 1,000 rows.")
@click.option(
    "--budget", metavar="DURATION", help="Time limit, e.g. 10m; datasets are then measured in random order [no limit]."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Datasets measured in parallel [1].")
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Train on a Ray cluster: local[:N] for N workers on this machine, auto, or HOST:PORT.",
)
@click.option(
    "--pin", multiple=True, metavar="SLOT=CHOICE", help="Choice of another slot in all trainings; repeatable."
)
@book_option
@verbosity_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=RESULTS,
    show_default=True,
    help="File of the results; it is continued if it exists.",
)
@click.option(
    "--from",
    "earlier",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="RESULTS",
    help="Earlier results, JSON lines or Parquet, that are copied to the file and not measured again; repeatable.",
)
@format_option
def measure(
    *,
    what: tuple[str, ...],
    corpus: Path,
    names: tuple[str, ...],
    against: tuple[str, ...],
    seeds: int,
    splits: int,
    rows: int,
    configurations: int,
    quick: bool,
    budget: str | None,
    jobs: int | None,
    cluster: str | None,
    pin: tuple[str, ...],
    book: tuple[str, ...],
    verbosity: Verbosity,
    output: Path,
    earlier: tuple[Path, ...],
    form: str,
) -> None:
    """Train the choice of SLOT or RULE against every admissible alternative on each dataset of a corpus.

    All other choices, the split and the number of steps are the same; an optimizer is trained with several learning
    rates. The hold-out rows of a dataset are neither trained on nor scored. Each training is written to the output file
    when it ends; the same command continues an interrupted measurement, with --cluster or without.

    The slot hyperparameters trains random configurations instead, which show to which hyperparameters a network is
    sensitive. The slot tuner trains a table of configurations, on which searches of each tuner are replayed.
    """
    check_tensorflow()
    if cluster is not None and jobs is not None:
        raise MeasurementError("--jobs is for this machine, and --cluster trains on its workers. Use one of them.")
    chosen = layers(book)
    pins = tuple(read_pins(pin, ["for a measurement"] if pin else []))
    wanted = _wanted(what, chosen, {one.slot for one in pins})
    _check_names(against, wanted)
    if output.suffix == ".parquet":
        raise MeasurementError(
            f"Results are written as JSON lines, but {output} is called a Parquet file. Use a name such as {RESULTS}."
        )
    entries = read_corpus(corpus, names)
    address = None if cluster is None else parse_cluster(cluster)
    size = {"share": 1.0, "rows": rows} | ({**QUICK, "rows": min(rows, QUICK["rows"])} if quick else {})
    pinned = {pin.slot.value: choice_fields(pin.choice) for pin in pins}
    settings = Settings(seeds=seeds, splits=splits, pins=pinned, **size)
    order = Order(
        rules=wanted,
        against=frozenset(against),
        settings=settings,
        pins=pins,
        layers=tuple(map(str, chosen)),
        output=output,
        configurations=configurations,
        earlier=earlier,
    )

    def report(step: Step) -> None:
        print_status(f"{step.dataset}: {step.says}", verbosity=verbosity)

    limit = None if budget is None else seconds_of(budget)
    with nullcontext() if address is None else connect(address) as pool:
        results = measure_corpus(
            entries, order, jobs=1 if jobs is None else jobs, pool=pool, seconds=limit, progress=report
        )
    if not results.trainings and limit is not None:
        raise MeasurementError(
            f"No dataset was finished in {budget}. Use a longer --budget, or --quick; the same command continues."
        )
    if not results.trainings:
        raise MeasurementError(
            "Nothing was measured: no dataset could be trained, has an admissible alternative in these slots, or is "
            "decided by these rules. Measure other slots or rules, or another corpus."
        )
    card = score(results, books=Books.of(chosen))
    if form == "json":
        emit_json(card.model_dump_json(indent=2))
        return
    show_scorecard(card, Console(highlight=False), rules=wanted)
    print_status(f"Wrote {output}. Next: recommend rules scorecard {output}", verbosity=verbosity)


def _wanted(what: tuple[str, ...], chosen: tuple[str | Path, ...], pinned: set[Slot]) -> dict[Slot, frozenset[str]]:
    """Slots to measure, each with the rules whose datasets are measured; none of them for all datasets.

    Raises MeasurementError on an unknown name, and a slot that cannot be measured or is pinned.
    """
    if not what:
        return {slot: frozenset() for slot in MEASURED if slot not in pinned}
    rules = {rule.id: rule for rule in read_layers(chosen).rules}
    found: dict[Slot, frozenset[str]] = {}
    whole: set[Slot] = set()
    for word in what:
        slot, rule = Slot.named(word), rules.get(word.upper())
        if slot is None and rule is None:
            near = did_you_mean(word, Slot) or did_you_mean(word.upper(), rules)
            raise MeasurementError(f"There is no slot and no rule {word!r}.{near}")
        own = slot or rules[word.upper()].slot
        if own not in {*MEASURED, Slot.HYPERPARAMETERS, Slot.TUNER}:
            raise MeasurementError(
                f"The slot {own.value!r} cannot be measured by trainings of equal length. Choose one of "
                f"{', '.join(MEASURED)}."
            )
        if own in pinned:
            raise MeasurementError(f"The slot {own.value!r} cannot be both measured and pinned. Remove its --pin.")
        whole |= {own} if slot else set()
        found[own] = found.get(own, frozenset()) | ({rule.id} if rule and not slot else frozenset())
    return {slot: frozenset() if slot in whole else own for slot, own in found.items()}


def _check_names(against: tuple[str, ...], slots: Iterable[Slot]) -> None:
    """Raise MeasurementError on a name of no choice of the slots."""
    known = [name for slot in slots for name in choice_names(slot)]
    for name in against:
        if name not in {*known, HANDBOOK}:
            raise MeasurementError(
                f"--against must name a choice of {', '.join(slots)} or {HANDBOOK!r}, but got {name!r}."
                f"{did_you_mean(name, [*known, HANDBOOK])}"
            )


@click.command(
    short_help="Show what rules are worth, from results of 'rules measure'.",
    epilog=examples(
        "recommend rules scorecard",
        "recommend rules scorecard results.jsonl",
        "recommend rules scorecard results.jsonl --book mine.yaml",
        "recommend rules scorecard -o scorecard.md",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="[RESULTS]…")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write a Markdown page, and plots into pictures/."
)
@click.option("--parquet", type=click.Path(path_type=Path), help="Write all trainings to this Parquet file.")
@book_option
@force_option
@format_option
def scorecard(
    *,
    files: tuple[Path, ...],
    output: Path | None,
    parquet: Path | None,
    book: tuple[str, ...],
    force: bool,
    form: str,
) -> None:
    """Show the effect of each rule and the regret of each slot, from RESULTS of 'recommend rules measure'.

    Without RESULTS, the measurements of the shipped rules are shown. With --book, the same trainings show what another
    book is worth: its choice for each dataset follows from the recorded facts. Results with other settings than the
    first file are only used to compare rules with the handbook.
    """
    from rules.scorecard.shipped import MEASUREMENTS  # noqa: PLC0415  only where it is needed

    results, *more = read_measurements(files or MEASUREMENTS)
    if not results.trainings:
        raise MeasurementError(
            f"{', '.join(map(str, files))} has no trainings. Measure with 'recommend rules measure'."
        )
    if parquet is not None and more:
        raise MeasurementError("A Parquet file has results of one setting. Give only files with equal settings.")
    card = score(results, more, books=Books.of(layers(book)))
    for path in filter(None, (output, parquet)):
        refuse_existing_output(path, force=force)
    if parquet is not None:
        write_parquet(results, parquet)
    if output is not None:
        from executor.pipeline.measurement.plots import write_plots  # noqa: PLC0415  Altair

        write_text(output, to_markdown(card))
        for path in (output, *write_plots(card, output.parent / "pictures")):
            click.echo(f"Wrote {path}.", err=True)
    if form == "json":
        emit_json(card.model_dump_json(indent=2))
    elif output is None and parquet is None:
        show_scorecard(card, Console(highlight=False))

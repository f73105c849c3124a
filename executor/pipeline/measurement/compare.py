"""Trainings of the choices of one slot side by side, on one dataset."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.components.metric import create_metric
from executor.components.training_length import whole_epochs
from executor.evaluation.bootstrap import independent_units, tail_percent
from executor.evaluation.evaluate import bootstrap_scores
from executor.networks.registry import network_kind
from executor.pipeline.measurement.alternatives import MEASURED, alternatives, check_names, check_slot
from executor.pipeline.measurement.comparison import ComparedChoice, ComparedTraining, Comparison, ScoreInterval
from executor.pipeline.measurement.corpus import CorpusDataset
from executor.pipeline.measurement.prepare import Subject, subject
from executor.pipeline.measurement.train import Training, encoded, groups, train_group
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import open_dataset
from rules import __version__
from rules.decision.engine import check_bundle
from rules.decision.request import Request
from rules.errors import ChoiceError, MeasurementError, PcwatError
from rules.proof.proved_book import load_book
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.scorecard.results import Settings
from rules.vocabulary.choices import Slot, names
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from executor.components.metric import PerformanceMetric
    from executor.pipeline.measurement.train import EncodedSubject
    from rules.decision.trace import Pin
    from rules.rulebook.rulebook import Rulebook
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice

ROWS: Final = 5_000  # of the dataset at most, so that a minute is enough
PILOT_EPOCHS: Final = 3  # of a training from which the time of the others is estimated
MIN_EPOCHS: Final = 10  # fewer compare mainly the first steps; choices are left out instead
SAFETY: Final = 0.8  # share of the time limit that is planned
SEED_STREAM: Final = 11  # separates the resampled seeds from other random numbers


def compare(
    data: object,
    request: Request | None = None,
    *,
    slot: Slot | str,
    choices: Sequence[str] = (),
    seeds: int = 3,
    budget: float = 60.0,
    epochs: int | None = None,
    rows: int = ROWS,
    book: Sequence[str | Path] = SHIPPED_LAYERS,
    pins: Sequence[Pin] = (),
    progress: Callable[[str], None] = lambda _: None,
    **fields: object,
) -> Comparison:
    """Train the admissible choices of one slot side by side, and compare their scores.

    All other choices, the split of the rows, the seeds and the number of epochs are the same. An optimizer is trained
    with its learning rate, a lower and a higher one, of which the best on validation rows counts. The hold-out of
    `train` is neither trained on nor scored.

    Args:
        data: Path of a dataset, a pandas or polars DataFrame, an Arrow table, or an open `Dataset`, as for `train`.
        request: Target, task, roles of columns, and how the data is read; None infers all of them. Default None.
        slot: Slot to compare: activation, loss, initializer, optimizer, augmentation, architecture or validation.
        choices: Names of the choices to compare. Default all that are admissible for the dataset.
        seeds: Trainings of each choice. Default 3.
        budget: Time limit in seconds. Default 60.
        epochs: Epochs of each training. None shortens the trainings to fit the budget. Default None.
        rows: Rows of the dataset at most. Default 5,000.
        book: Layers of rules, as for `train`. Default the shipped layers.
        pins: Choices of other slots in all trainings. Default ().
        progress: Called with a sentence after each group of trainings.
        **fields: Fields of `Request` by name, such as `target="price"`; they replace those of `request`.

    Returns:
        The scores with paired intervals, and the curves of each training.

    Raises:
        MeasurementError: If the slot cannot be compared, a choice does not exist or does not fit, there is only one, or
            the budget is too short for two.
        PcwatError: If the data or the request cannot be used.
        TypeError: If a name among `fields` is no field of `Request`.

    Examples:
        >>> from executor import compare
        >>> from recommender.examples import example
        >>> found = compare(example("wine"), target="cultivar", slot="initializer")  # doctest: +SKIP
        >>> print(found.result)  # doctest: +SKIP
    """
    started = time.monotonic()
    own = check_slot(slot, pins)
    check_names(choices, own)
    request = Request.of(request, fields, called="compare")
    with (
        nullcontext(data) if isinstance(data, Dataset) else open_dataset(data, request) as dataset,
        tempfile.TemporaryDirectory() as directory,
    ):
        found = subject(
            CorpusDataset(name=dataset.name, path=Path(dataset.name), request=request),
            dataset,
            settings=Settings(seeds=seeds, rows=rows, share=1.0),
            pins=pins,
            layers=book,
            directory=Path(directory) / "run",
            version=__version__,
        )
        bundle = found.run.bundle if own is Slot.VALIDATION else found.bundle
        chosen = _choices(own, bundle, load_book(book).book, found, choices)
        return _compared(
            own, chosen, found, bundle, epochs=epochs, end=started + budget, started=started, progress=progress
        )


def _choices(slot: Slot, bundle: Bundle, book: Rulebook, found: Subject, wanted: Sequence[str]) -> list[Choice]:
    """The choices to train, one of each name, the recommended one first. Raises MeasurementError if they do not fit."""
    by_name: dict[str, Choice] = {}
    for choice in alternatives(slot, bundle, book, found.facts, against=wanted):
        by_name.setdefault(_name(choice), choice)
    for name in wanted:
        if name not in by_name:
            raise MeasurementError(
                f"{name} cannot be compared here: {_why_not(names(slot)[name](), slot, bundle, book, found)} "
                f"Possible choices are {', '.join(by_name)}."
            )
    chosen = [choice for name, choice in by_name.items() if not wanted or name in wanted]
    if len(chosen) < 2:  # noqa: PLR2004  nothing to compare
        raise MeasurementError(
            f"Only {chosen[0]} is possible for the {slot} of this dataset, so there is nothing to compare. "
            f"Compare another slot: {', '.join(one for one in MEASURED if one is not slot)}."
        )
    return chosen


def _why_not(choice: Choice, slot: Slot, bundle: Bundle, book: Rulebook, found: Subject) -> str:
    try:
        check_bundle(bundle.model_copy(update={slot.value: choice}), book, found.facts)
    except ChoiceError as error:
        return str(error)
    return "it has no effect on this kind of data."


def _name(choice: Choice) -> str:
    name: str = choice.model_dump()["name"]
    return name


def _compared(
    slot: Slot,
    choices: Sequence[Choice],
    found: Subject,
    bundle: Bundle,
    *,
    epochs: int | None,
    end: float,
    started: float,
    progress: Callable[[str], None],
) -> Comparison:
    """Train all choices, as long as the time limit allows, and score them."""
    default = encoded(found, found.bundle)
    kind = network_kind(default.bundle, default.parts.inputs)
    full = whole_epochs(default.bundle, kind, rows=len(default.parts.train))
    together = groups(slot, choices, default)
    if epochs is None:
        progress("Estimating the time of a training …")
        epochs = _affordable_epochs(slot, together, found, default, full=full, end=end)
    epochs = min(epochs, full)
    of_length = _with(found, share=epochs / full)
    trained: dict[str, list[Training]] = {}
    left_out: dict[str, str] = {}
    recommended, longest = "", 0.0
    for group in together:
        begin = time.monotonic()
        if trained and begin + longest > end:
            left_out |= {str(choice): "the time limit was reached. Use a longer --budget." for choice in group}
            continue
        try:
            for text, own in _trainings(slot, group, of_length, default):
                trained[text] = own
                if bundle.choice(slot) in (group if slot is Slot.OPTIMIZER else [own[0].result.parsed]):
                    recommended = text
                seconds = sum(one.result.seconds for one in own)
                progress(f"{text}: {len(own)} trainings, {seconds:.0f} s")
        except PcwatError as error:
            left_out |= {str(choice): str(error) for choice in group}
        longest = max(longest, time.monotonic() - begin)
    if len(trained) < 2:  # noqa: PLR2004  nothing to compare
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise MeasurementError(f"Fewer than two choices were trained ({reasons})")
    metric = create_metric(bundle.metric)
    compared = _scored(trained, found, metric, recommended)
    return Comparison(
        dataset=found.measured.name,
        digest=found.measured.digest,
        targets=found.run.roles.targets,
        task=found.measured.task,
        slot=slot,
        metric=metric.name,
        direction=metric.direction,
        reference=next(one.choice for one in compared if one.gain is None),
        rules=found.measured.rules[slot],
        rows=found.measured.rows,
        test_rows=found.measured.test_rows,
        seeds=found.measured.settings.seeds,
        epochs=epochs,
        full_epochs=full,
        seconds=round(time.monotonic() - started, 1),
        choices=tuple(sorted(compared, key=lambda one: -metric.direction.utility(one.score.value))),
        left_out=left_out,
        version=__version__,
    )


def _with(found: Subject, **settings: float) -> Subject:
    """The dataset, to be measured with other settings."""
    changed = found.measured.settings.model_copy(update=settings)
    return Subject(
        run=found.run,
        bundle=found.bundle,
        facts=found.facts,
        measured=found.measured.model_copy(update={"settings": changed}),
    )


def _affordable_epochs(
    slot: Slot, together: Sequence[Sequence[Choice]], found: Subject, default: EncodedSubject, *, full: int, end: float
) -> int:
    """Epochs for which the time limit is enough, estimated from a short training of the first group."""
    begin = time.monotonic()
    pilot = _with(found, share=min(1.0, PILOT_EPOCHS / full))
    with closing(train_group(slot, together[0], pilot, default)) as stacks:
        outcomes = [one.outcome for one in next(stacks)]
    took = time.monotonic() - begin
    per_epoch = sum(one.epoch_seconds or one.seconds / max(1, one.epochs) for one in outcomes)
    compiling = max(0.0, took - per_epoch * PILOT_EPOCHS)
    return affordable_epochs(
        left=end - time.monotonic(), graphs=len(together), compiling=compiling, per_epoch=per_epoch
    )


def affordable_epochs(*, left: float, graphs: int, compiling: float, per_epoch: float) -> int:
    """Epochs that fit into the seconds that are left, at least MIN_EPOCHS.

    graphs: groups of trainings. compiling, per_epoch: seconds of one group.

    >>> affordable_epochs(left=50, graphs=2, compiling=5, per_epoch=0.5)
    30
    """
    return max(MIN_EPOCHS, int((SAFETY * left / graphs - compiling) / max(per_epoch, 1e-9)))


def _trainings(
    slot: Slot, group: Sequence[Choice], found: Subject, default: EncodedSubject
) -> Iterator[tuple[str, list[Training]]]:
    """Trainings of a group by the text of the choice; of an optimizer those at its best learning rate."""
    with closing(train_group(slot, group, found, default)) as stacks:
        trained = next(stacks)
    by_choice: dict[str, list[Training]] = {}
    for one in trained:
        by_choice.setdefault(one.result.text, []).append(one)
    if slot is Slot.OPTIMIZER:
        direction = found.measured.direction
        best = max(
            by_choice.values(),
            key=lambda own: float(np.mean([direction.utility(one.result.validation_score) for one in own])),
        )
        by_choice = {best[0].result.text: best}
    yield from by_choice.items()


def _scored(
    trained: Mapping[str, Sequence[Training]], found: Subject, metric: PerformanceMetric, recommended: str
) -> list[ComparedChoice]:
    """Scores of all choices with paired intervals; the reference is the recommended choice, or else the first."""
    reference = recommended or next(iter(trained))
    samples = _samples(trained, found, metric)
    tail = tail_percent(independent_units(found.measured.test_rows, _groups_of_test_rows(found)))
    values = {text: _mean([one.result.score for one in own]) for text, own in trained.items()}
    sign, base = metric.direction.sign, values[reference]
    compared = []
    for text, own in trained.items():
        value, drawn, gain = values[text], samples.get(text), None
        if text != reference:
            known = drawn is not None and reference in samples
            difference = None if value is None or base is None else sign * (value - base)
            gain = _interval(difference, sign * (samples[text] - samples[reference]) if known else None, tail)
        compared.append(
            ComparedChoice(
                choice=text,
                parameters=own[0].result.choice,
                is_recommended=text == recommended,
                score=_interval(value, drawn, tail),
                gain=gain,
                seconds=round(sum(one.result.seconds for one in own), 1),
                trainings=tuple(map(_training, own)),
            )
        )
    return compared


def _mean(scores: Sequence[float | None]) -> float | None:
    """Mean score; None if a training has none."""
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if len(known) == len(scores) and known else None


def _samples(
    trained: Mapping[str, Sequence[Training]], found: Subject, metric: PerformanceMetric
) -> dict[str, np.ndarray]:
    """Bootstrap samples of the mean score of each choice, (samples,): the same test rows and seeds for all choices."""
    scored = {text: own for text, own in trained.items() if all(one.predictions is not None for one in own)}
    if not scored:
        return {}
    windows = found.run.data.windows
    drawn = bootstrap_scores(
        metric,
        [one.predictions for own in scored.values() for one in own if one.predictions is not None],
        seed=0,
        in_blocks=found.measured.task == Task.FORECASTING,
        at_least=0 if windows is None else windows.horizon,
        groups=_groups_of_test_rows(found),
    )
    seeds = found.measured.settings.seeds
    by_seed = drawn.reshape(len(drawn), len(scored), seeds)
    resampled = np.random.default_rng([0, SEED_STREAM]).integers(seeds, size=(len(drawn), 1, seeds))
    means = np.take_along_axis(by_seed, np.broadcast_to(resampled, by_seed.shape), axis=2).mean(axis=2)
    return {text: means[:, index] for index, text in enumerate(scored)}


def _groups_of_test_rows(found: Subject) -> np.ndarray | None:
    rows = found.run.data.rows
    return None if rows.groups is None else rows.groups[rows.hold_out]


def _interval(value: float | None, samples: np.ndarray | None, tail: float) -> ScoreInterval:
    known = np.array([]) if samples is None else samples[np.isfinite(samples)]
    if value is None or not len(known):
        return ScoreInterval(value=value, low=None, high=None)
    low, high = np.percentile(known, [tail, 100 - tail])
    return ScoreInterval(value=value, low=float(low), high=float(high))


def _training(one: Training) -> ComparedTraining:
    result, outcome = one.result, one.outcome
    return ComparedTraining(
        seed=result.seed,
        score=result.score,
        validation_score=result.validation_score,
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        seconds=result.seconds,
        epoch_scores=outcome.epoch_scores,
        training_loss=outcome.training_loss,
        message=outcome.message if result.score is None else "",
    )

"""What a person says on the command line about a dataset and about the strategy; several verbs take these options."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final, get_args

import click
from click.shell_completion import CompletionItem

from recommender.dataset.dataset import local_path
from recommender.dataset.readers.types.times import date_formats
from recommender.recommendation.recommend import Said, StrategyOptions
from recommender.recommendation.trial_budget import seconds
from recommender.roles.horizon import Outlook
from rules.decision.request import ImageFit, ImageReading, SequenceReading
from rules.decision.trace import Pin
from rules.errors import ChoiceError, did_you_mean
from rules.rulebook.project_settings import layers
from rules.text.yaml_document import parse
from rules.vocabulary.aliases import current_level
from rules.vocabulary.choices import Slot, names, parse_choice
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    PathParameter = click.ParamType[Path]
else:
    PathParameter = click.ParamType  # no generic class before click 8.4; pyproject.toml allows 8.1


class DatasetPath(PathParameter):
    """The path of a dataset, or of something that has one; a shell completes it as a file."""

    name = "dataset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ANN401
        del param, ctx
        return local_path(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del ctx, param
        return [CompletionItem(incomplete, type="file")]


DATASET: Final = DatasetPath()


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which a person says what the data is; the command receives them as one `said`."""

    @functools.wraps(command)
    def wrapped(
        *,
        target: tuple[str, ...],
        task: str | None,
        kind: tuple[str, ...],
        time: str | None,
        entity: str | None,
        split: str | None,
        image_size: str | None,
        image_fit: str | None,
        unreadable_images: str | None,
        sequence: str | None,
        order: str | None,
        horizon: int | None,
        season: int | None,
        known: tuple[str, ...],
        missing: tuple[str, ...],
        date_format: tuple[str, ...],
        **rest: Any,  # noqa: ANN401  the wrapped command's own options, untouched
    ) -> Any:  # noqa: ANN401
        said = Said(
            targets=target,
            task=_task(task),
            kinds=_kinds(kind),
            time_column=time,
            entity_column=entity,
            split_column=split,
            images=image_reading(image_size, image_fit, unreadable_images),
            sequences=_sequence_reading(sequence, order),
            outlook=Outlook(horizon=horizon, season=season, known=known),
            missing=_missing(missing),
            date_formats=date_formats(date_format),
        )
        return command(said=said, **rest)

    options = (
        click.option("--target", multiple=True, metavar="COLUMN", help="Column to predict; repeat it for several."),
        click.option("--task", metavar="TASK", help="binary, multiclass, regression, … instead of the inferred one."),
        click.option(
            "--kind", multiple=True, metavar="COLUMN=KIND", help="Read a column as numeric, categorical, text, …"
        ),
        click.option("--time", metavar="COLUMN", help="Column that orders the rows in time."),
        click.option(
            "--entity", metavar="COLUMN", help="Column whose equal values never lie on both sides of a split."
        ),
        click.option("--split", metavar="COLUMN", help="Column that names train, validation and test rows."),
        click.option(
            "--horizon", type=click.IntRange(min=1), metavar="STEPS", help="Steps that a forecast looks ahead."
        ),
        click.option("--season", type=click.IntRange(min=1), metavar="STEPS", help="Steps of a season; 1 for none."),
        click.option("--known", multiple=True, metavar="COLUMN", help="Column that is known in advance; repeat it."),
        click.option(
            "--missing",
            multiple=True,
            metavar="TEXT",
            help="Cell that is a missing value, instead of NA, N/A, NaN, nan, null, NULL and ?; repeat it; 'none' for "
            "empty cells alone.",
        ),
        click.option(
            "--date-format",
            multiple=True,
            metavar="COLUMN=FORMAT",
            help="How dates are written: %d/%m/%Y, iso, quarter, excel, epoch, …; repeat it.",
        ),
        click.option("--delimiter", metavar="CHARACTER", help="What separates columns, where it is not found out."),
        click.option("--image-size", metavar="HEIGHTxWIDTH", help="Pixels to which image files are brought."),
        click.option(
            "--image-fit",
            type=click.Choice(get_args(ImageFit)),
            help="How image files of another shape are brought to that size [stretch].",
        ),
        unreadable_images_option,
        click.option(
            "--sequence",
            metavar="COLUMN",
            help="Column whose equal values are the steps of one sequence, in long tables.",
        ),
        click.option(
            "--order", metavar="COLUMN", help="Column that orders the steps of a sequence [the file's order]."
        ),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


unreadable_images_option = click.option(
    "--unreadable-images",
    type=click.Choice(["refuse", "leave-out"]),
    help="What is done about image files that are missing or damaged [refuse].",
)


def image_reading(size: str | None, fit: str | None, unreadable: str | None) -> ImageReading | None:
    """What was said about image files; None for nothing. Raises ChoiceError on a size that is none."""
    given: dict[str, Any] = {}
    if size is not None:
        found = re.fullmatch(r"(\d+)(?:x(\d+))?", size.strip().lower())
        sides = () if found is None else (int(found[1]), int(found[2] or found[1]))
        if not sides or not all(1 <= side <= MAX_SIDE for side in sides):
            raise ChoiceError(
                f"--image-size takes HEIGHTxWIDTH, from 1 to {MAX_SIDE:,} pixels each, as 64x48, but got {size!r}."
            )
        given["size"] = sides
    if fit is not None:
        given["fit"] = fit
    if unreadable is not None:
        given["unreadable"] = unreadable.replace("-", "_")
    return ImageReading(**given) if given else None


def _sequence_reading(by: str | None, order: str | None) -> SequenceReading | None:
    """What was said about sequences. Raises ChoiceError on an order of steps that belong to none."""
    if by is None and order is not None:
        raise ChoiceError(
            f"--order {order!r} orders the steps of a sequence, but --sequence names no column that tells them apart. "
            "Add it, or say --time for rows that are ordered as a whole."
        )
    return None if by is None else SequenceReading(by=by, order=order)


MAX_SIDE: Final = 1_024  # pixels; networks for images are made for less, and a trial takes hours from there on


def strategy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that change which bundle comes out; the command receives them as one `strategy`."""

    @functools.wraps(command)
    def wrapped(
        *,
        book: tuple[str, ...],
        pin: tuple[str, ...],
        reason: tuple[str, ...],
        author: str,
        budget: str | None,
        trials: int | None,
        **rest: Any,  # noqa: ANN401  the wrapped command's own options, untouched
    ) -> Any:  # noqa: ANN401
        strategy = StrategyOptions(
            layers=layers(book),
            is_own_book=bool(book),
            pins=tuple(read_pins(pin, reason, author=author)),
            budget=None if budget is None else seconds(budget),
            trials=trials,
        )
        return command(strategy=strategy, **rest)

    options = (
        click.option(
            "--book",
            multiple=True,
            metavar="BOOK",
            help="'handbook' for the notes alone; a path of your own rules puts them on top of the shipped ones.",
        ),
        click.option(
            "--pin",
            multiple=True,
            metavar="SLOT=CHOICE",
            help="Choose yourself, e.g. optimizer=adamw; --reason says why.",
        ),
        click.option("--reason", multiple=True, metavar="TEXT", help="Why you pin; one for all pins, or one for each."),
        click.option("--author", default="", metavar="NAME", help="Who pins; it is recorded with the reason."),
        click.option("--budget", metavar="DURATION", help="Wall-clock limit of the training, e.g. 90s or 10m [5m]."),
        click.option("--trials", type=click.IntRange(min=1), metavar="N", help="At most so many trials."),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


def read_pins(pins: Sequence[str], reasons: Sequence[str], *, author: str = "") -> list[Pin]:
    """Read --pin SLOT=CHOICE with its --reason; CHOICE is a name, or a YAML mapping with parameters.

    Raises ChoiceError on an unknown slot or choice, a slot pinned twice, and a pin or a reason that stands alone.
    """
    if not pins and reasons:
        raise ChoiceError("--reason says why a choice is pinned, but none is: add --pin SLOT=CHOICE, or leave it out.")
    if not pins:
        return []
    if not all(because.strip() for because in reasons):
        raise ChoiceError("A pinned choice is recorded with its reason, but a --reason is empty. Say why you pin.")
    if not reasons:
        raise ChoiceError("A pinned choice is recorded with its reason. Add --reason and why you pin, in quotes.")
    if len(reasons) not in {1, len(pins)}:
        raise ChoiceError(
            f"A pinned choice is recorded with its reason: give --reason once for all pins, or once for each of the "
            f"{len(pins)}, but got {len(reasons)}."
        )
    shared = list(reasons) * len(pins) if len(reasons) == 1 else reasons
    read: dict[Slot, Pin] = {}
    for pin, because in zip(pins, shared, strict=True):
        slot, equals, value = pin.partition("=")
        if slot not in set(Slot):
            raise ChoiceError(f"--pin takes SLOT=CHOICE with a slot of {', '.join(Slot)}, but got {pin!r}."
                              f"{did_you_mean(slot, Slot)}")  # fmt: skip
        if not equals or not value.strip():
            raise ChoiceError(
                f"--pin takes SLOT=CHOICE, but {pin!r} names no choice. The {slot} is one of "
                f"{', '.join(names(Slot(slot)))}."
            )
        if slot in read:
            raise ChoiceError(f"Each slot is pinned once, but {slot} is pinned again by {pin!r}. Keep one of the two.")
        choice = parse_choice(Slot(slot), parse(value, source=f"--pin {slot}", error=ChoiceError).data)
        read[Slot(slot)] = Pin(slot=Slot(slot), choice=choice, reason=because, author=author)
    return list(read.values())


def _missing(texts: Sequence[str]) -> tuple[str, ...] | None:
    """What --missing gives; None where it is left out. Raises ChoiceError on 'none' beside other texts."""
    if not texts:
        return None
    if "none" not in texts:
        return tuple(dict.fromkeys(texts))
    if len({*texts}) > 1:
        raise ChoiceError(
            "--missing none says that only empty cells are missing, but got other texts beside it. Leave one of the "
            "two out."
        )
    return ()


def _task(word: str | None) -> Task | None:
    if word is None:
        return None
    word = current_level("task", word)
    if word in set(Task):
        return Task(word)
    raise ChoiceError(f"--task is one of {', '.join(Task)}, but got {word!r}.{did_you_mean(word, Task)}")


def _kinds(pairs: Sequence[str]) -> dict[str, Kind]:
    kinds = {}
    for pair in pairs:
        column, equals, word = pair.rpartition("=")
        if not equals or word not in set(Kind):
            raise ChoiceError(f"--kind takes COLUMN=KIND with a kind of {', '.join(Kind)}, but got {pair!r}."
                              f"{did_you_mean(word, Kind)}")  # fmt: skip
        kinds[column] = Kind(word)
    return kinds

"""Options of the request and of the strategy, shared by several commands."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

from recommender.dataset.address import DatasetAddress, parse_address
from recommender.recommendation.recommend import StrategyOptions
from recommender.recommendation.search_space import with_search
from recommender.recommendation.trial_budget import seconds
from rules.decision.request import Request, option_fields
from rules.decision.trace import Pin
from rules.errors import ChoiceError, did_you_mean
from rules.rulebook.project_settings import layers
from rules.text.yaml_document import parse
from rules.vocabulary.choices import Choice, Slot, names, parse_choice, refuse_taken_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    AddressParameter = click.ParamType[DatasetAddress]
else:
    AddressParameter = click.ParamType  # no generic class before click 8.4; pyproject.toml allows 8.1


class DatasetParameter(AddressParameter):
    """Address of a dataset, or path of a record or a run; a shell completes it as a file."""

    name = "dataset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> DatasetAddress:  # noqa: ANN401
        del param, ctx
        return parse_address(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del ctx, param
        return [CompletionItem(incomplete, type="file")]


DATASET: Final = DatasetParameter()


FIELDS: Final = {one.flag: one for _, one in option_fields()}


def option_of(flag: str) -> Callable[[Any], Any]:
    """Click option of a field of `Request`."""
    own, form = FIELDS[flag], FIELDS[flag].form
    checked = click.Choice(form.choices) if form.choices else click.STRING
    return click.option(flag, multiple=form.several, type=checked, metavar=form.metavar, help=own.help)


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the request, which the command receives as one `request`."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:  # noqa: ANN401  other options of the command
        texts = {flag: given.pop(flag.removeprefix("--").replace("-", "_")) for flag in FIELDS}
        return command(request=Request.of_options(texts), **given)

    return functools.reduce(lambda wrapping, flag: option_of(flag)(wrapping), reversed(FIELDS), wrapped)


def strategy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that change the bundle; the command receives them as one `strategy`."""

    @functools.wraps(command)
    def wrapped(
        *,
        book: tuple[str, ...],
        pin: tuple[str, ...],
        reason: tuple[str, ...],
        author: str,
        search: tuple[str, ...],
        budget: str | None,
        trials: int | None,
        after: Path | None,
        **rest: Any,  # noqa: ANN401  other options of the command
    ) -> Any:  # noqa: ANN401
        strategy = StrategyOptions(
            layers=layers(book),
            is_own_book=bool(book),
            pins=with_search(read_pins(pin, reason, author=author), search, author=author),
            budget=None if budget is None else seconds(budget),
            trials=trials,
            after=after,
        )
        return command(strategy=strategy, **rest)

    options = (
        click.option(
            "--book",
            multiple=True,
            metavar="BOOK",
            help="'handbook' uses only the rules of the strategy notes; a path adds your own rules.",
        ),
        click.option(
            "--pin",
            multiple=True,
            metavar="SLOT=CHOICE",
            help="Override a choice, e.g. optimizer=adamw (needs --reason); repeat it for several.",
        ),
        click.option("--reason", multiple=True, metavar="TEXT", help="Reason for --pin: one for all, or one for each."),
        click.option("--author", default="", metavar="NAME", help="Author of --pin, recorded with the reason."),
        click.option(
            "--search",
            multiple=True,
            metavar="NAME=VALUES",
            help="Search a hyperparameter over [VALUE, …] or LOW..HIGH, with :log by factors; repeat it for several "
            "[chosen by the rules].",
        ),
        click.option("--budget", metavar="DURATION", help="Wall-clock limit of the training, e.g. 90s or 10m [5m]."),
        click.option(
            "--trials", type=click.IntRange(min=1), metavar="N", help="Maximum number of trials [by the budget]."
        ),
        click.option(
            "--after",
            type=click.Path(path_type=Path),
            metavar="RUN",
            help="Use facts that the training of a finished run on the same data measured, such as gradient_flow.",
        ),
    )
    return functools.reduce(lambda wrapping, option: option(wrapping), reversed(options), wrapped)


def read_pins(pins: Sequence[str], reasons: Sequence[str], *, author: str = "") -> list[Pin]:
    """Parse --pin SLOT=CHOICE with its --reason; CHOICE is a name, or a YAML mapping with parameters.

    Raises ChoiceError on an unknown slot or choice, a slot pinned twice, and a pin without a reason or vice versa.
    """
    if not pins and reasons:
        raise ChoiceError("--reason needs a --pin, but there is none. Add --pin SLOT=CHOICE, or omit --reason.")
    if not pins:
        return []
    if not all(because.strip() for because in reasons):
        raise ChoiceError("A pin needs a reason, but a --reason is empty. Give a reason.")
    if not reasons:
        raise ChoiceError("A pin needs a reason, but there is no --reason. Add --reason '...'.")
    if len(reasons) not in {1, len(pins)}:
        raise ChoiceError(
            f"Pins need one --reason for all, or one for each of the {len(pins)} pins, but got {len(reasons)}."
        )
    shared = list(reasons) * len(pins) if len(reasons) == 1 else reasons
    read: dict[Slot, Pin] = {}
    for pin, because in zip(pins, shared, strict=True):
        slot, equals, value = pin.partition("=")
        if slot not in set(Slot):
            raise ChoiceError(f"--pin must be SLOT=CHOICE with a slot of {', '.join(Slot)}, but got {pin!r}."
                              f"{did_you_mean(slot, Slot)}")  # fmt: skip
        if not equals or not value.strip():
            raise ChoiceError(
                f"--pin must be SLOT=CHOICE, but {pin!r} has no choice. The {slot} must be one of "
                f"{', '.join(names(Slot(slot)))}."
            )
        if slot in read:
            raise ChoiceError(f"A slot takes one pin, but {slot} is pinned again by {pin!r}. Remove one of them.")
        choice = _pinned(Slot(slot), value)
        read[Slot(slot)] = Pin(slot=Slot(slot), choice=choice, reason=because, author=author)
    return list(read.values())


def _pinned(slot: Slot, value: str) -> Choice:
    """The choice of a pin. Raises ChoiceError on a name that a package gives to another metric or loss, too."""
    content = parse(value, source=f"--pin {slot}", error=ChoiceError).data
    name = content.get("name") if isinstance(content, dict) else content
    if name in names(slot):
        refuse_taken_name(slot, str(name))
    return parse_choice(slot, content)

"""Parameters shared by the subcommands of `recommend rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rules.errors import did_you_mean
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    SlotParameter = click.ParamType[Slot]
else:
    SlotParameter = click.ParamType  # no generic class before click 8.4; pyproject.toml allows 8.1

book_option = click.option(
    "--book",
    multiple=True,
    metavar="BOOK",
    help="Rulebook: a file, a folder, or 'handbook' (repeatable) [shipped rules].",
)
book_argument = click.argument("book", required=False)


class SlotName(SlotParameter):
    """Slot, given by name or letter."""

    name = "slot"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Slot:  # noqa: ANN401
        found = Slot.named(str(value))
        if found is None:
            self.fail(
                f"unknown slot {value!r}; slots are {', '.join(Slot)}.{did_you_mean(str(value), Slot)}", param, ctx
            )
        return found

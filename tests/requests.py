"""A case for every option of a request, and the way from options to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from click.testing import CliRunner

from recommender.cli.options import dataset_options
from rules.decision.request import ImageReading, Request, SequenceReading

if TYPE_CHECKING:
    from collections.abc import Sequence

CASES: Final[dict[str, Request]] = {
    "--target": Request(target=["price", "size in m²", "-x", 'the "best"']),
    "--task": Request(task="multioutput_regression"),
    "--kind": Request(kinds={"code": "integer_code", "a=b": "text", "share%": "numeric", "two words": "boolean"}),
    "--time": Request(time="when"),
    "--entity": Request(entity="patient's id"),
    "--split": Request(split="part"),
    "--weight": Request(weight="sampling weight"),
    "--costs": Request(costs={"bad": {"good": 5}, 'the "best"': {"bad": 0.5, "so: so": 1}}),
    "--horizon": Request(horizon=12),
    "--season": Request(season=1),
    "--known": Request(known=["holiday", "price"]),
    "--missing": Request(missing=["none", "unknown", "999"]),
    "--date-format": Request(date_formats={"visit": "%d/%m/%Y", "a=b": "iso", "c=d": "%Y=%m=%d"}),
    "--delimiter": Request(delimiter="\t"),
    "--table": Request(table="Sheet 1"),
    "--image-size": Request(images=ImageReading(size=(64, 48))),
    "--image-fit": Request(images=ImageReading(fit="crop")),
    "--unreadable-images": Request(images=ImageReading(unreadable="leave_out")),
    "--image-channels": Request(images=ImageReading(channels=1)),
    "--image-range": Request(images=ImageReading(value_range=(-1024, 0.1))),
    "--sequence": Request(sequences=SequenceReading(by="person")),
    "--order": Request(sequences=SequenceReading(by="person", order="step")),
    "--channel": Request(sequences=SequenceReading(by="person", channels=("x", "y"))),
}
"""For each option a request that needs it."""


def from_options(words: Sequence[str]) -> Request:
    """The request that a command with these words gets. Raises what the command raises."""
    got: list[Request] = []

    @click.command()
    @dataset_options
    @click.argument("rest", nargs=-1)
    def command(*, request: Request, rest: Any) -> None:
        del rest
        got.append(request)

    ended = CliRunner().invoke(command, list(words), standalone_mode=False)
    if ended.exception is not None:
        raise ended.exception
    return got[0]

"""The entry point of `recommend`."""

from __future__ import annotations

import gc


def main() -> None:
    """Import and run the command line.

    The garbage collector is off during the imports, and what they made is left out of later collections: almost none
    of it is garbage, and collecting takes 6 % of the time of a recommendation.
    """
    gc.disable()
    from recommender.cli.main import main as run  # noqa: PLC0415  after the collector is off

    gc.freeze()
    gc.enable()
    run()

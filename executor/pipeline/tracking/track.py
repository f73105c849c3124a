"""`--track mlflow[:URI]` and `--track tensorboard[:DIR]`, and their failures as warnings."""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict

from rules.errors import ChoiceError, RunError, did_you_mean
from rules.text.wording import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.runs.run import Run

Tool = Literal["mlflow", "tensorboard"]
TOOLS: Final[tuple[Tool, ...]] = get_args(Tool)
MODULES: Final[dict[Tool, str]] = {
    "mlflow": "executor.pipeline.tracking.mlflow_run",
    "tensorboard": "executor.pipeline.tracking.tensorboard_events",
}
"""Modules with a function `log_run(run, place)`, which returns where the run is; imported when they are needed."""
NEEDED: Final[dict[Tool, tuple[str, ...]]] = {"mlflow": ("mlflow", "pandas"), "tensorboard": ()}
"""Packages that pcwat does not install by itself."""
CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
"""User and password in a URI, which are not repeated in messages."""


class Tracker(BaseModel):
    """A tool that keeps a copy of a run.

    place: tracking URI of MLflow, or folder of TensorBoard; empty for the default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: Tool
    place: str = ""


def parse_trackers(given: str | Sequence[str]) -> tuple[Tracker, ...]:
    """Parse values of --track.

    Raises ChoiceError on an unknown tool, and RunError if its package is not installed, both before the training.

    >>> parse_trackers("tensorboard:events")
    (Tracker(tool='tensorboard', place='events'),)
    """
    found = []
    for text in (given,) if isinstance(given, str) else given:
        name, _, place = text.partition(":")
        tool = next((one for one in TOOLS if one == name), None)
        if tool is None:
            raise ChoiceError(
                f"--track must be mlflow[:URI] or tensorboard[:DIR], but got {excerpt(text)}."
                f"{did_you_mean(name, TOOLS)}"
            )
        missing = [package for package in NEEDED[tool] if find_spec(package) is None]
        if missing:
            raise RunError(
                f"--track {tool} needs {' and '.join(NEEDED[tool])}, but {' and '.join(missing)} cannot be imported. "
                "Install them: pip install 'pcwat[track]'"
            )
        found.append(Tracker(tool=tool, place=place))
    return tuple(dict.fromkeys(found))


def track_run(
    run: Run,
    trackers: Sequence[Tracker],
    *,
    warn: Callable[[str], object] = warnings.warn,
    say: Callable[[str], object] = lambda _: None,
) -> None:
    """Copy a finished run to each tracker. No failure is raised.

    warn: receives a sentence for each tracker that failed. say: receives where the run is.
    """
    for one in trackers:
        try:
            place = import_module(MODULES[one.tool]).log_run(run, one.place)
        except Exception as error:  # noqa: BLE001  a tracker must not lose a finished training
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            shown = CREDENTIALS.sub("//", f"{one.tool}:{one.place}" if one.place else one.tool)
            warn(f"The run is complete, but --track {shown} failed: {CREDENTIALS.sub('//', reason)}")
        else:
            say(f"Tracked by {one.tool}: {CREDENTIALS.sub('//', place)}")

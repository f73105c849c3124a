"""Every error that a user may see, as one tree.

PcwatError                  an error that the user can fix; the command line prints it and exits with 2
├── DatasetError            the data cannot be read as a table
│   ├── TargetError         the target is missing, constant, or cannot be learned
│   └── ColumnError         a column does not fit the request, or the model's inputs
├── ChoiceError             a bundle, a pin or a rule names a choice that does not exist or does not fit
├── BookError               a rulebook is malformed
│   └── ProofError          a rulebook has a gap, a conflict, or a rule without effect
├── SettingsError           the project's settings file names a command, an option or a value that does not exist
├── RunError                a run directory is missing, was written by another program, or cannot be used
├── ServingError            the server of a run cannot start, or a request to it is not valid
├── ClusterError            a cluster cannot be reached, or its workers cannot run trials
├── TrainingError           no trial could be completed
└── MeasurementError        a corpus or a file of results of 'rules measure' cannot be used
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PcwatError(Exception):
    """An error that the user can fix. Its message states what must hold, what was found, and how to fix it.

    Examples:
        >>> from pathlib import Path
        >>> from rules import Bundle
        >>> try:
        ...     Bundle.read(Path("missing.yaml"))
        ... except PcwatError as error:
        ...     print(type(error).__name__)
        ChoiceError
    """


class DatasetError(PcwatError):
    """The data cannot be read as a table."""


class TargetError(DatasetError):
    """The target is missing, constant, or cannot be learned."""


class ColumnError(DatasetError):
    """A column does not fit the request, or the model's inputs."""


class ChoiceError(PcwatError):
    """A bundle, a pin or a rule names a choice that does not exist or does not fit."""


class BookError(PcwatError):
    """A rulebook is malformed."""


class ProofError(BookError):
    """A rulebook has a gap, a conflict, or a rule without effect."""


class SettingsError(PcwatError):
    """The project's settings file names a command, an option or a value that does not exist."""


class RunError(PcwatError):
    """A run directory is missing, was written by another program, or cannot be used."""


class ServingError(PcwatError):
    """The server of a run cannot start, or a request to it is not valid.

    status: the HTTP status of the response to such a request.
    """

    def __init__(self, message: str, *, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


class ClusterError(PcwatError):
    """A cluster cannot be reached, or its workers cannot run trials."""


class TrainingError(PcwatError):
    """No trial could be completed."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggestion of the nearest known word as a sentence; empty if none is close.

    >>> did_you_mean("chrun", ["churn", "age"])
    " Did you mean 'churn'?"
    >>> did_you_mean("x", ["churn"])
    ''
    """
    by_case = {str(name).casefold(): str(name) for name in known}
    near = difflib.get_close_matches(word.casefold(), by_case, n=1)
    return f" Did you mean {by_case[near[0]]!r}?" if near else ""


class MeasurementError(PcwatError):
    """A corpus, or a file of results of `recommend rules measure`, cannot be used."""

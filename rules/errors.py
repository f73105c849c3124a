"""Every error that a user may see, as one tree.

PcwatError                  something the user can mend; the command line prints it in one paragraph and exits with 2
├── DatasetError            the data cannot be read as a table
│   ├── TargetError         the target is missing, constant, or cannot be learned
│   └── ColumnError         one column breaks what was asked of it
├── ChoiceError             a bundle, a pin or a rule names a choice that does not exist or does not fit
├── BookError               a rulebook is malformed
│   └── ProofError          a rulebook is well-formed but leaves a gap, a conflict, or a rule without effect
├── SettingsError           the project's settings file names a command, an option or a value that does not exist
├── RunError                a run directory is missing, foreign, or cannot be used
└── TrainingError           no trial could be completed
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PcwatError(Exception):
    """An error whose message states what must hold, what came, and what helps."""


class DatasetError(PcwatError): ...


class TargetError(DatasetError): ...


class ColumnError(DatasetError): ...


class ChoiceError(PcwatError): ...


class BookError(PcwatError): ...


class ProofError(BookError): ...


class SettingsError(PcwatError): ...


class RunError(PcwatError): ...


class TrainingError(PcwatError): ...


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that proposes the nearest known word, or nothing.

    >>> did_you_mean("chrun", ["churn", "age"])
    " Did you mean 'churn'?"
    >>> did_you_mean("x", ["churn"])
    ''
    """
    by_case = {str(name).casefold(): str(name) for name in known}
    near = difflib.get_close_matches(word.casefold(), by_case, n=1)
    return f" Did you mean {by_case[near[0]]!r}?" if near else ""

"""trials.jsonl: one line for each finished trial, from which a killed search is replayed."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, ValidationError

from executor.runtime.log import LOG
from executor.search.records.outcome import EndedBy, Outcome
from executor.search.records.weights import WEIGHTS, state_path, weights_path
from recommender.dataset.digest import digest_of
from rules.errors import RunError
from rules.text.temporary import is_leftover

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

JOURNAL: Final = "trials.jsonl"
TRIAL_FILE: Final = re.compile(r"(?P<number>[0-9]{4,})\.(?:weights|state)\.npz")
OLD_PARTIAL: Final = "partial."  # what names of partly written files began with in older versions


def _ended_by(line: dict[str, Any]) -> EndedBy:
    """Why the trial of a line ended that an older version wrote, by its other values."""
    if line.get("status") != "completed":
        return "failed" if line["status"] == "failed" else "diverged"
    if line["message"].startswith("cut short"):
        return "interrupt" if line["message"].startswith("cut short by Ctrl-C") else "deadline"
    return "completed" if line["epochs"] >= line["planned_epochs"] else "early_stopping"


class JournalLine(Outcome):
    """A line of the journal: an outcome, the digests of the files that it names, and a chained digest of both."""

    ended_by: EndedBy = Field(default_factory=_ended_by)
    search: str = ""
    """Digest of the bundle and the seed of the search; empty where the caller gave none."""
    digests: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file of the trial by its path within the run directory."""
    seal: str = ""
    """SHA-256 of the seal of the line before and of all of the above; empty in journals of older versions."""

    def fingerprint(self, before: str) -> str:
        """The seal that follows the seal `before`."""
        # Only what the line holds: a field that a later version adds does not change it.
        own = self.model_dump_json(exclude={"seal"}, exclude_unset=True)
        return hashlib.sha256(f"{before}|{own}".encode()).hexdigest()

    def outcome(self, directory: Path) -> Outcome:
        """The outcome, its weights within a run directory."""
        values = {name: getattr(self, name) for name in Outcome.model_fields}
        return Outcome.model_construct(**values | {"weights": self.weights and directory / self.weights})


class Journal:
    """The finished trials of a run directory, in their order.

    directory: the run directory; it is made if it is missing. search: digest of the bundle and the seed, as
    `search_digest` gives it; None reads the journal of any search.
    Raises RunError on a journal that is damaged elsewhere than at its end, was altered, belongs to another search, or
    cannot be read or repaired.
    """

    def __init__(self, directory: Path, *, search: str | None = None) -> None:
        self._directory = directory
        self._search = search
        self._seal = ""
        self.path = directory / JOURNAL
        try:
            (directory / WEIGHTS).mkdir(parents=True, exist_ok=True)
            self.outcomes: list[Outcome] = list(self._read())
        except OSError as error:
            raise RunError(
                f"Cannot use the run directory {directory}: {error.strerror}. Allow reading and writing there, or name "
                "another place."
            ) from None

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes of a round, all or none, so that they outlive a crash of the machine.

        Raises RunError where that cannot be done; the file is as it was before.
        """
        lines, seal = [], self._seal
        try:
            for outcome in outcomes:
                line = self._line(outcome, seal)
                seal = line.seal
                lines.append(line.model_dump_json() + "\n")
            before = self.path.stat().st_size if self.path.exists() else 0
        except OSError as error:
            raise RunError(f"Cannot read {error.filename}: {error.strerror}. Allow reading there.") from None
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                os.truncate(self.path, before)
            raise RunError(f"Cannot write {self.path}: {error.strerror}. Free space, or allow writing.") from None
        self._seal = seal
        self.outcomes += outcomes
        log_trials(outcomes)

    def remove_unfinished(self) -> None:
        """Remove the files of trials that are not in the journal, which a killed process left; they are run again."""
        known = {outcome.number for outcome in self.outcomes}
        for path in (self._directory / WEIGHTS).iterdir():
            found = TRIAL_FILE.fullmatch(path.name)
            unknown = found is not None and int(found["number"]) not in known
            if unknown or path.name.startswith(OLD_PARTIAL) or is_leftover(path):
                with suppress(OSError):
                    path.unlink()

    def _line(self, outcome: Outcome, before: str) -> JournalLine:
        """The line of an outcome after the seal `before`. Raises OSError where a file of the trial cannot be read."""
        directory, number = self._directory, outcome.number
        kept = [path for path in (weights_path(directory, number), state_path(directory, number)) if path.exists()]
        relative = None if outcome.weights is None else outcome.weights.relative_to(directory)
        line = JournalLine(
            **outcome.model_dump(exclude={"weights"}),
            weights=relative,
            search=self._search or "",
            digests={path.relative_to(directory).as_posix(): digest_of(path) for path in kept},
        )
        return line.model_copy(update={"seal": line.fingerprint(before)})

    def _read(self) -> Iterable[Outcome]:
        if not self.path.exists():
            return
        lines, whole, size = read_lines(self._directory)
        for line in lines:
            if self._search is not None and line.search and line.search != self._search:
                raise RunError(
                    f"A search continues only with the bundle and the seed with which it began, but {self.path} comes "
                    "from another bundle or seed. Start a new run."
                )
        if whole < size:
            os.truncate(self.path, whole)
        self._seal = lines[-1].seal if lines else ""
        yield from (line.outcome(self._directory) for line in lines)


def search_digest(bundle: str, seed: int) -> str:
    """What identifies a search: the digest of its bundle with its seed."""
    return hashlib.sha256(f"{bundle}|{seed}".encode()).hexdigest()


def read_lines(directory: Path) -> tuple[list[JournalLine], int, int]:
    """The lines of all whole rounds of a journal, the bytes that they take, and the size of the file.

    Raises RunError on a line that is damaged or was altered, OSError where the file cannot be read.
    """
    path = directory / JOURNAL
    text = path.read_bytes()
    raw = text[: text.rfind(b"\n") + 1].splitlines(keepends=True)
    lines: list[JournalLine] = []
    for number, one in enumerate(raw, start=1):
        line = _parsed(path, one, number)
        if line.seal and line.seal != line.fingerprint(lines[-1].seal if lines else ""):
            raise RunError(
                f"{path} was altered: line {number} does not match its digest. Restore the original file, or start a "
                "new run."
            )
        lines.append(line)
    last = [line for line in lines if line.round == lines[-1].round]
    if last and len(last) < last[0].asked:
        # The process died while it wrote this round; its trials are run again.
        del lines[-len(last) :]
    return lines, sum(map(len, raw[: len(lines)])), len(text)


def check_journal(directory: Path, *, search: str) -> None:
    """Compare the journal of a stopped run, and the weights that it names, with the digests written at the time.

    A run that was stopped before its first round has nothing to compare.
    Raises RunError that names the file which is missing, damaged, altered, or of another search.
    """
    path = directory / JOURNAL
    if not path.exists():
        return
    try:
        lines, _, _ = read_lines(directory)
    except OSError as error:
        raise RunError(f"Cannot read {path}: {error.strerror}. Allow reading there, or start a new run.") from None
    for number, line in enumerate(lines, start=1):
        if not line.seal or line.search != search:
            reason = "belongs to a search of another bundle or seed" if line.seal else "has no digest"
            raise RunError(f"{path} cannot be resumed: line {number} {reason}. Start a new run.")
        if line.weights is not None and line.weights.as_posix() not in line.digests:
            raise RunError(f"{path} cannot be resumed: line {number} has no digest of its weights. Start a new run.")
        for name, digest in line.digests.items():
            _check_file(directory / name, digest)


def _check_file(path: Path, digest: str) -> None:
    try:
        found = digest_of(path)
    except OSError as error:
        raise RunError(
            f"A run must hold {path}, but it cannot be read: {error.strerror}. Restore it from a copy, or start a new "
            "run."
        ) from None
    if found != digest:
        raise RunError(
            f"{path} was altered or truncated since its trial ended: it does not match its digest. Restore the "
            "original file, or start a new run."
        )


def _parsed(path: Path, line: bytes, number: int) -> JournalLine:
    try:
        return JournalLine.model_validate_json(line)
    except ValidationError as error:
        raise RunError(
            f"Each line of {path} must be a finished trial, but line {number} is not: "
            f"{error.errors()[0]['msg']}. Start a new run, or remove the line and those after it."
        ) from None


def log_trials(outcomes: Sequence[Outcome]) -> None:
    """Say how trials ended."""
    for one in outcomes:
        varied = ", ".join(f"{name} {value}" for name, value in one.hyperparameters.items()) or "the defaults"
        told = f"{one.epochs} of {one.planned_epochs} epochs in {one.seconds:.1f} s ({varied})"
        if one.status == "completed":
            LOG.info("Trial %d: P %.6g after %s.", one.number, one.score, told)
        else:
            LOG.warning("Trial %d %s after %s: %s", one.number, one.status, told, one.message)

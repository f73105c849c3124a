"""Journal of a search, trials.jsonl: one line per finished trial, from which a search is resumed."""

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
OLD_PARTIAL: Final = "partial."  # prefix of partly written files in older versions


def _ended_by(line: dict[str, Any]) -> EndedBy:
    """Why the trial of a line ended that an older version wrote, by its other values."""
    if line.get("status") != "completed":
        return "failed" if line["status"] == "failed" else "diverged"
    if line["message"].startswith("cut short"):
        return "interrupt" if line["message"].startswith("cut short by Ctrl-C") else "deadline"
    return "completed" if line["epochs"] >= line["planned_epochs"] else "early_stopping"


class JournalLine(Outcome):
    """A line of the journal: an outcome, the digests of its files, and a chained digest of both."""

    ended_by: EndedBy = Field(default_factory=_ended_by)
    search: str = ""
    """Digest of the bundle and the seed of the search; empty if unknown."""
    digests: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file of the trial, by path in the run directory."""
    seal: str = ""
    """SHA-256 of the seal of the line before and of all fields above; empty in older versions."""

    def fingerprint(self, before: str) -> str:
        """Compute the seal after the seal `before`."""
        # Only fields in the file, so that fields of later versions do not change the seal.
        own = self.model_dump_json(exclude={"seal"}, exclude_unset=True)
        return hashlib.sha256(f"{before}|{own}".encode()).hexdigest()

    def outcome(self, directory: Path) -> Outcome:
        """The outcome, with the path of its weights in a run directory."""
        values = {name: getattr(self, name) for name in Outcome.model_fields}
        return Outcome.model_construct(**values | {"weights": self.weights and directory / self.weights})


class Journal:
    """Finished trials of a run directory, in order.

    directory: the run directory; it is created if it is missing. search: digest of the bundle and the seed, from
    `search_digest`; None reads the journal of any search. keeps_unfinished: whether a round that is not complete is
    read, too: on a cluster its trials are appended one by one, and each is trained independently of the others.
    Raises RunError if the journal is damaged before its end, altered, of another search, or not readable.
    """

    def __init__(self, directory: Path, *, search: str | None = None, keeps_unfinished: bool = False) -> None:
        self._directory = directory
        self.keeps_unfinished = keeps_unfinished
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
        """Append the outcomes of a round durably, all or none.

        Raises RunError on failure; the file is then unchanged.
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
            raise RunError(f"Cannot write {self.path}: {error.strerror}. Free disk space, or allow writing.") from None
        self._seal = seal
        self.outcomes += outcomes
        log_trials(outcomes)

    def remove_unfinished(self) -> None:
        """Remove files of trials that are not in the journal, left by a killed process."""
        known = {outcome.number for outcome in self.outcomes}
        for path in (self._directory / WEIGHTS).iterdir():
            found = TRIAL_FILE.fullmatch(path.name)
            unknown = found is not None and int(found["number"]) not in known
            if unknown or path.name.startswith(OLD_PARTIAL) or is_leftover(path):
                with suppress(OSError):
                    path.unlink()

    def _line(self, outcome: Outcome, before: str) -> JournalLine:
        """Create the line of an outcome. Raises OSError where a file of the trial is not readable."""
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
        lines, whole, size = read_lines(self._directory, keeps_unfinished=self.keeps_unfinished)
        for line in lines:
            if self._search is not None and line.search and line.search != self._search:
                raise RunError(
                    f"A search must continue with its own bundle and seed, but {self.path} has others. Start a new run."
                )
        if whole < size:
            os.truncate(self.path, whole)
        self._seal = lines[-1].seal if lines else ""
        yield from (line.outcome(self._directory) for line in lines)


def search_digest(bundle: str, seed: int) -> str:
    """Digest of the bundle and the seed, which identifies a search."""
    return hashlib.sha256(f"{bundle}|{seed}".encode()).hexdigest()


def read_lines(directory: Path, *, keeps_unfinished: bool = False) -> tuple[list[JournalLine], int, int]:
    """Read the lines of complete rounds, their size in bytes, and the size of the file.

    keeps_unfinished: as of Journal; a round that Ctrl-C has cut short is not read in any case.

    Raises RunError on a damaged or altered line, OSError where the file is not readable.
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
    is_kept = keeps_unfinished and all(line.ended_by != "interrupt" for line in last)
    if last and len(last) < last[0].asked and not is_kept:
        # An incomplete round; its trials are run again.
        del lines[-len(last) :]
    return lines, sum(map(len, raw[: len(lines)])), len(text)


def check_journal(directory: Path, *, search: str, keeps_unfinished: bool = False) -> None:
    """Verify the digests of the journal of a stopped run and of its weights; keeps_unfinished: as of Journal.

    Raises RunError with the file that is missing, damaged, altered, or of another search.
    """
    path = directory / JOURNAL
    if not path.exists():
        return
    try:
        lines, _, _ = read_lines(directory, keeps_unfinished=keeps_unfinished)
    except OSError as error:
        raise RunError(f"Cannot read {path}: {error.strerror}. Allow reading there, or start a new run.") from None
    for number, line in enumerate(lines, start=1):
        if not line.seal or line.search != search:
            reason = "has another bundle or seed" if line.seal else "has no digest"
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
    """Log the outcomes of trials."""
    for one in outcomes:
        varied = ", ".join(f"{name} {value}" for name, value in one.hyperparameters.items()) or "default configuration"
        detail = f"{one.epochs} of {one.planned_epochs} epochs in {one.seconds:.1f} s ({varied})"
        if one.status == "completed":
            LOG.info("Trial %d: score %.6g after %s.", one.number, one.score, detail)
        else:
            LOG.warning("Trial %d %s after %s: %s", one.number, one.status, detail, one.message)

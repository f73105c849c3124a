"""Files of a run directory."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from rules.errors import RunError
from rules.text.files import write_text
from rules.text.temporary import is_leftover, remove_leftovers

PLAN, BUNDLE, SIGNATURE = "plan.json", "bundle.yaml", "signature.json"
MODEL, PREDICTIONS = "model.keras", "predictions.csv"
IMPORTANCE, REPORT = "importance.json", "report.html"
REFERENCE = "reference.json"  # distributions of training rows and of predictions, for the drift of new rows
FEATURES = "features.json"  # of random features of sequences: how many were planned and are used
File = TypeVar("File", bound=BaseModel)
MAX_STEM: Final = 200  # bytes of a run's name before its number; the limit of file systems is 255
RUNS: Final = Path("runs")  # default directory of runs


def read_json(path: Path, kind: type[File]) -> File:
    """Read a file of a run. Raises RunError if it is missing or damaged."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(
            f"A run must contain {path.name}, but {path} cannot be read: {error.strerror}. Train again."
        ) from None
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise RunError(f"{path} is damaged: {problem}. Restore it from a copy, or train again.") from None


def create_numbered_directory(name: str, parent: Path = RUNS) -> Path:
    """Create the first free directory NAME-1, NAME-2, … below parent; long names are truncated."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    stem = plain.encode()[:MAX_STEM].decode(errors="ignore").strip("-") or "run"
    number = 1
    while True:
        directory = parent / f"{stem}-{number}"
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunError(f"Cannot create the run directory {directory}: {error.strerror}.") from None
        else:
            return directory


def create_run_directory(directory: Path) -> Path:
    """Create the directory that the user named. Raises RunError if it is not empty."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        remove_leftovers(directory)
        taken = any(not is_leftover(path) for path in directory.iterdir())
    except OSError as error:
        raise RunError(f"Cannot create the run directory {directory}: {error.strerror}.") from None
    if taken:
        raise RunError(
            f"A new run needs an empty directory, but {directory} has files. Choose another one, or resume the run "
            f"with --resume {directory}."
        )
    return directory


def write(path: Path, text: str) -> None:
    """Write a file of a run atomically. Raises RunError on failure."""
    write_text(path, text, error=RunError)


def write_json(path: Path, value: BaseModel) -> None:
    write(path, to_json(value))


def to_json(value: BaseModel) -> str:
    return value.model_dump_json(indent=2) + "\n"

"""The audit record: what was known, what was decided and by which book, sealed so that a change shows."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ConfigDict

from rules import __version__
from rules.bundle import Bundle
from rules.choices import Slot, parse_choice
from rules.engine import Decision, Strategy
from rules.errors import RunError
from rules.facts import FACTS, Measurement, NotApplicable, Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = "pcwat/record/1"


class RecordedFact(BaseModel):
    """A fact as the record keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str | float | int
    """A name, a number, "n/a" where the fact does not apply, or "unknown"."""
    unit: str
    low: float | None
    high: float | None
    source: str

    @classmethod
    def of(cls, name: str, measured: Measurement) -> Self:
        value = measured.value
        return cls(
            value=repr(value) if isinstance(value, NotApplicable | Unknown) else value,
            unit=FACTS[name].unit,
            low=measured.low,
            high=measured.high,
            source=measured.source,
        )


class DatasetSeen(BaseModel):
    """Which data was looked at, and how; no row of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str
    rows: int
    task: str
    task_reason: str
    targets: tuple[str, ...]
    target_reason: str
    kinds: dict[str, str]
    """Column → kind."""


class Record(BaseModel):
    """Everything needed to read a recommendation again, and to question it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    version: str
    created: str
    """UTC, ISO 8601."""
    dataset: DatasetSeen
    layers: dict[str, str]
    """SHA-256 of each layer of the rulebook, in merging order."""
    facts: dict[str, RecordedFact]
    decisions: dict[Slot, Decision]
    bundle: dict[str, Any]
    seal: str = ""
    """SHA-256 of everything above as canonical JSON."""

    @classmethod
    def of(cls, strategy: Strategy, *, dataset: DatasetSeen, layers: Mapping[str, str]) -> Self:
        record = cls(
            version=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            dataset=dataset,
            layers=dict(layers),
            facts={name: RecordedFact.of(name, fact) for name, fact in strategy.facts.items()},
            decisions=dict(strategy.decisions),
            bundle=strategy.bundle.model_dump(mode="json"),
        )
        return record.model_copy(update={"seal": record.fingerprint()})

    def fingerprint(self) -> str:
        """The SHA-256 that the seal must equal."""
        body = self.model_dump(mode="json", exclude={"seal"})
        canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"

    def to_json(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read record.json. Raises RunError where it is missing, not a record, or altered since it was written."""
        try:
            record = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise RunError(f"There is no record {path}.") from None
        except ValueError as error:
            raise RunError(f"{path} is not a record of format {FORMAT}: {str(error).splitlines()[0]}.") from None
        if record.seal != record.fingerprint():
            raise RunError(f"{path} was altered: its seal does not fit its contents. Restore the original file.")
        return record

    def to_bundle(self) -> Bundle:
        """The recorded bundle."""
        return Bundle.of({slot: parse_choice(slot, self.bundle[slot]) for slot in Slot})


def value_of(fact: RecordedFact) -> Value:
    """A recorded value as the engine reads it."""
    special: dict[object, Value] = {repr(kind): kind for kind in (NotApplicable(), Unknown())}
    return special.get(fact.value, fact.value)

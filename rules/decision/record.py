"""Audit record: facts, decisions and book of one recommendation, with a hash chain that reveals changes."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from rules import __version__
from rules.decision.former_record import current_record
from rules.decision.request import RecordedRequest
from rules.decision.trace import FROM_BUNDLE, Decision, Pin
from rules.errors import RunError
from rules.text.regular_file import open_regular, read_regular
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Slot, parse_choice
from rules.vocabulary.facts import FACTS, Measurement, record_value, recorded_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rules.decision.engine import Strategy
    from rules.proof.proved_book import ProvedBook

FORMAT: Final = "pcwat/record/2"
HEAD: Final = 200  # bytes of a file within which a record has its format
Status = Literal["passed", "done", "alerted"]
_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")


class RecordedFact(BaseModel):
    """A fact as stored in the record."""

    model_config = _CLOSED

    value: str | float | int
    """A name, a number, "n/a" if the fact does not apply, or "unknown"."""
    unit: str
    low: float | None
    high: float | None
    source: str

    @classmethod
    def of(cls, name: str, measured: Measurement) -> Self:
        return cls(
            value=record_value(measured.value),
            unit=FACTS[name].unit,
            low=measured.low,
            high=measured.high,
            source=measured.source,
        )

    def measurement(self) -> Measurement:
        """The fact as a measurement for the engine."""
        return Measurement(value=recorded_value(self.value), low=self.low, high=self.high, source=self.source)


class DatasetSeen(BaseModel):
    """The dataset and how it was read, without rows."""

    model_config = _CLOSED

    name: str
    path: str | None
    """Absolute path of the file; None for an in-memory table."""
    digest: str
    rows: int
    task: str
    task_reason: str
    targets: tuple[str, ...]
    target_reason: str
    kinds: dict[str, str]
    """Column → kind."""
    rare_class: str
    """The rarest class of the most imbalanced target; empty for numeric targets."""


class Guardrail(BaseModel):
    """One check of the data.

    status: passed; done, if the problem was handled automatically; or alerted, if the user should act. value,
    threshold: the measured number and the bound, in unit.
    """

    model_config = _CLOSED

    name: str
    status: Status
    message: str
    columns: tuple[str, ...] = ()
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    quotes: str = Field(default="", exclude=True)
    """Text with the cells in question, shown to the user only: records contain no cells."""


class Guardrails(BaseModel):
    """Contents of guardrails.json of a run: checks of the data after the split."""

    model_config = _CLOSED

    format: str = "pcwat/guardrails/1"
    guardrails: tuple[Guardrail, ...]


class SwitchedOff(BaseModel):
    """A rule that a layer disabled."""

    model_config = _CLOSED

    rule: str
    reason: str
    author: str
    layer: str
    place: str


class BookUsed(BaseModel):
    """The rulebook of a recommendation."""

    model_config = _CLOSED

    layers: dict[str, str]
    """SHA-256 of each layer of the rulebook, in merging order."""
    rules: dict[str, str]
    """SHA-256 of each rule's condition, choice and overrides."""
    switched_off: tuple[SwitchedOff, ...]

    @classmethod
    def of(cls, proved: ProvedBook) -> Self:
        book = proved.book
        return cls(
            layers=dict(book.layers),
            rules={rule.id: rule.digest for rule in book.rules},
            switched_off=tuple(
                SwitchedOff(rule=one.rule, reason=one.reason, author=one.author, layer=one.layer, place=one.place)
                for one in book.disabled
            ),
        )


class Record(BaseModel):
    """Complete record of one recommendation, for replay and audit."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)

    format: str = FORMAT
    version: str
    created: str
    """UTC, ISO 8601."""
    dataset: DatasetSeen
    request: RecordedRequest = Field(validation_alias="asked", serialization_alias="asked")
    book: BookUsed
    facts: dict[str, RecordedFact]
    decisions: dict[Slot, Decision]
    guardrails: tuple[Guardrail, ...]
    bundle: dict[str, Any]
    _former: dict[str, Any] | None = PrivateAttr(default=None)
    """The original content of a file with former names; None for others."""
    chain: dict[str, str] = {}
    """For each part, the SHA-256 of the previous link and of the part as canonical JSON."""

    @classmethod
    def of(
        cls,
        strategy: Strategy,
        *,
        dataset: DatasetSeen,
        request: RecordedRequest,
        proved: ProvedBook,
        guardrails: tuple[Guardrail, ...] = (),
    ) -> Self:
        record = cls(
            version=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            dataset=dataset,
            request=request,
            book=BookUsed.of(proved),
            facts={name: RecordedFact.of(name, fact) for name, fact in strategy.facts.items()},
            decisions=dict(strategy.decisions),
            guardrails=guardrails,
            bundle=strategy.bundle.model_dump(mode="json"),
        )
        chain: dict[str, str] = {}
        for name, part in record.parts():
            chain[name] = _link(next(reversed(chain.values()), ""), part)
        return record.model_copy(update={"chain": chain})

    def parts(self, *, as_read: bool = False) -> Iterator[tuple[str, Any]]:
        """Name and content of each part of the chain, in order.

        as_read: whether to omit defaults that are not in the file. For a file with former names, the parts are the
        original ones.
        """
        body = self._former or self.model_dump(mode="json", exclude={"chain"}, exclude_unset=as_read)
        yield "heading", {key: body[key] for key in ("format", "version", "created") if key in body}
        for name in ("dataset", "asked", "book", "facts"):
            yield name, body[name]
        for slot, decision in body["decisions"].items():
            yield f"decision on the {slot}", decision
        yield "guardrails", body["guardrails"]
        yield "bundle", body["bundle"]

    @property
    def seal(self) -> str:
        """The last link of the chain, which depends on the whole record."""
        return next(reversed(self.chain.values()), "")

    def altered(self) -> list[str]:
        """Names of the parts that do not match the chain; "chain" if links are missing or superfluous."""
        before, wrong = "", []
        names = []
        # Parameters that a later version adds to a choice do not invalidate an older record.
        for (name, part), (_, held) in zip(self.parts(), self.parts(as_read=True), strict=True):
            names.append(name)
            if self.chain.get(name) not in {_link(before, part), _link(before, held)}:
                wrong.append(name)
            before = self.chain.get(name, "")
        if list(self.chain) != names:
            wrong.append("chain")
        return wrong

    def to_json(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether a file is a record of any format version."""
        try:
            with open_regular(path) as file:
                return b'"pcwat/record/' in file.read(HEAD)
        except (OSError, ValueError):
            return False

    @staticmethod
    def _format_of(content: bytes) -> str:
        """Text about another format version of a record; empty for this version, or without one."""
        found = re.search(rb'"(pcwat/record/[0-9]+)"', content[:HEAD])
        named = "" if found is None else found[1].decode()
        return f"has format {named} of another version of pcwat" if named not in {"", FORMAT} else ""

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a record without verifying its chain. Raises RunError if it is missing or not a record."""
        try:
            content = read_regular(path)
        except FileNotFoundError:
            raise RunError(f"There is no record {path}.") from None
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}. Give a run, a record or a dataset.") from None
        try:
            return _with_origins(cls._parse(content))
        except ValidationError as error:
            first = error.errors()[0]
            what = (
                first["msg"]
                if first["type"] == "json_invalid"
                else f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            )
            raise RunError(
                f"{path} must be a record of format {FORMAT}, but it {cls._format_of(content) or f'is not ({what})'}. "
                "Create one with 'recommend DATASET --record FILE', or give a run or a dataset."
            ) from None

    @classmethod
    def _parse(cls, content: bytes) -> Record:
        """A record from its JSON text. Former names are replaced; the chain is then checked on the text itself."""
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return cls.model_validate_json(content)  # raises a detailed error
        today = current_record(body) if isinstance(body, dict) else body
        if today == body:
            return cls.model_validate_json(content)
        record = cls.model_validate_json(json.dumps(today))
        record._former = {key: value for key, value in body.items() if key != "chain"}  # noqa: SLF001  its own
        return record

    @classmethod
    def read_intact(cls, path: Path) -> Record:
        """Read a record. Raises RunError, with the names of the parts, if it was altered after it was written."""
        record = cls.read(path)
        if wrong := record.altered():
            raise RunError(
                f"{path} was altered: its hash chain does not match {', '.join(wrong)}. Restore the original file; "
                "'recommend audit verify' checks every part."
            )
        return record

    @property
    def pins(self) -> tuple[Pin, ...]:
        return tuple(decision.pin for decision in self.decisions.values() if decision.pin is not None)

    def measurements(self) -> dict[str, Measurement]:
        """Facts of the data and the training plan, as measurements for the engine."""
        return {
            name: fact.measurement() for name, fact in self.facts.items() if name in FACTS and FACTS[name].slot is None
        }

    def to_bundle(self) -> Bundle:
        """The recorded bundle."""
        return Bundle.of({slot: parse_choice(slot, self.bundle[slot]) for slot in Slot})


def _with_origins(record: Record) -> Record:
    """Mark the pins of a bundle in a record of a version that knew them by their reason alone."""
    marked = {
        slot: decision.model_copy(update={"pin": decision.pin.from_bundle()})
        for slot, decision in record.decisions.items()
        if decision.pin is not None
        and decision.pin.reason == FROM_BUNDLE
        and "origin" not in decision.pin.model_fields_set
    }
    return record.model_copy(update={"decisions": record.decisions | marked}) if marked else record


def _link(before: str, part: object) -> str:
    canonical = json.dumps(part, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(b'|'.join([before.encode(), canonical.encode()])).hexdigest()}"

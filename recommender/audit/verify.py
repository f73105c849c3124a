"""Verification of a record's hash chain, and of the digests of book, dataset and run."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from recommender.dataset.address import DatabaseTable, reopened
from recommender.dataset.digest import digest_of
from recommender.dataset.readers.remote import local_copy
from recommender.dataset.readers.table import find_files
from recommender.recommendation.recommend import open_dataset
from recommender.run_manifest import MANIFEST, SCORES, Manifest, run_files
from rules import __version__
from rules.errors import BookError, DatasetError
from rules.rulebook.rulebook import SHIPPED_LAYERS, read_layers
from rules.text.regular_file import is_there
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recommender.audit.subject import Subject
    from recommender.dataset.address import DatasetAddress

Status = Literal["intact", "altered", "missing", "unchecked"]


class Check(BaseModel):
    """Result of one check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    status: Status
    detail: str

    @property
    def is_finding(self) -> bool:
        return self.status in {"altered", "missing"}


def verify(subject: Subject, *, seal: str | None = None, data: DatasetAddress | None = None) -> tuple[Check, ...]:
    """Verify a record, and the run that it belongs to.

    seal: seal of the run or record as noted elsewhere; without it, changes with recomputed digests are not detected.
    data: new address of the dataset.
    """
    manifest = None if subject.run is None else Manifest.read(subject.run)
    return (
        *_chain(subject),
        *([] if seal is None else [_seal(subject, manifest, seal)]),
        *_book(subject),
        _dataset(subject, data),
        *([] if subject.run is None else _files(subject, manifest, subject.run)),
    )


def _chain(subject: Subject) -> Iterator[Check]:
    record = subject.record
    wrong = record.altered()
    if not wrong:
        yield Check(what="record", status="intact", detail=f"{len(record.chain)} links; seal {record.seal}")
    for part in wrong:
        yield Check(what=f"record: {part}", status="altered", detail="its contents do not match the chain")


def _seal(subject: Subject, manifest: Manifest | None, noted: str) -> Check:
    """Compare the noted seal with those of the run and the record."""
    noted = noted.strip().lower().removeprefix("sha256:")
    of_record = subject.record.seal.removeprefix("sha256:")
    of_run = "" if manifest is None else manifest.fingerprint().removeprefix("sha256:")
    if manifest is not None and noted == of_run:
        return Check(what="seal", status="intact", detail="the seal of the run, which covers all of its files")
    if noted == of_record:
        more = "" if subject.run is None else "; it does not cover the other files of the run"
        return Check(what="seal", status="intact", detail=f"the seal of the record{more}")
    today = f"the record has sha256:{of_record}" + (f", the run sha256:{of_run}" if of_run else "")
    return Check(what="seal", status="altered", detail=f"noted was sha256:{noted}, but {today}")


def _book(subject: Subject) -> Iterator[Check]:
    """Compare the current layers with their digests in the record."""
    for layer, digest in subject.record.book.layers.items():
        try:
            today = read_layers([layer])
        except BookError as error:
            status: Status = "altered" if Path(layer).exists() else "missing"
            yield Check(what=f"book: {layer}", status=status, detail=str(error))
            continue
        if today.layers[layer] == digest:
            yield Check(what=f"book: {layer}", status="intact", detail=digest)
            continue
        then = subject.record.book.rules
        changed = sorted(rule.id for rule in today.rules if not rule.has_digest(then.get(rule.id)))
        if layer in SHIPPED_LAYERS:
            yield _shipped(layer, changed, version=subject.record.version)
            continue
        detail = f"rules that decide differently: {', '.join(changed)}" if changed else "only in descriptions or tests"
        yield Check(what=f"book: {layer}", status="altered", detail=f"the layer has changed; {detail}")


def _shipped(layer: str, changed: Sequence[str], *, version: str) -> Check:
    """Check of a shipped layer whose text differs from the recorded one.

    The record contains the reasons of its rules, so another wording is not a finding, and neither is a rule that a
    later version of pcwat changed.
    """
    if not changed:
        detail = "the rules decide as recorded; only descriptions or tests have changed"
        return Check(what=f"book: {layer}", status="intact", detail=detail)
    rules = f"rules that decide differently: {', '.join(changed)}"
    if version != __version__:
        detail = f"pcwat {version} made the record, and this is {__version__}; {rules}"
        return Check(what=f"book: {layer}", status="unchecked", detail=detail)
    return Check(what=f"book: {layer}", status="altered", detail=f"the layer has changed; {rules}")


def _dataset(subject: Subject, data: DatasetAddress | None) -> Check:
    seen = subject.record.dataset
    try:
        address = data or reopened(seen.path)
    except DatasetError as error:
        return Check(what="dataset", status="unchecked", detail=str(error).rstrip("."))
    if address is None:
        return Check(what="dataset", status="unchecked", detail="it was an in-memory table; give its file with --data")
    try:
        digest = _digest_again(subject, address)
    except DatasetError as error:
        fix = "give its new path with --data"
        return Check(what="dataset", status="missing", detail=f"{str(error).rstrip('.')}; {fix}")
    except OSError as error:
        return Check(what="dataset", status="missing", detail=f"{address} cannot be read: {error.strerror}")
    if digest == seen.digest:
        return Check(what="dataset", status="intact", detail=str(address))
    return Check(what="dataset", status="altered", detail=f"{address} has changed since it was measured")


def _digest_again(subject: Subject, address: DatasetAddress) -> str:
    """Current digest of a dataset; "" if it can no longer be read as a table.

    Raises DatasetError if it is missing, or a server cannot be read.
    """
    if isinstance(address, DatabaseTable):
        with open_dataset(address, subject.record.request) as dataset:
            return dataset.digest
    with local_copy(address) as path:
        files = find_files(path)
        if files is None and not is_there(path):
            raise DatasetError(f"{path} does not exist.")
        if Kind.IMAGE not in subject.record.dataset.kinds.values() and (files is not None or not path.is_dir()):
            return f"sha256:{digest_of(path) if files is None else files.digest()}"
        try:
            with open_dataset(path, subject.record.request) as dataset:
                return dataset.digest
        except DatasetError:
            return ""


def _files(subject: Subject, manifest: Manifest | None, run: Path) -> Iterator[Check]:
    """Compare the files of a run with its manifest."""
    if manifest is None:
        if (run / SCORES).exists():
            yield Check(what=MANIFEST, status="missing", detail="a finished run must have one")
        else:
            yield Check(what=MANIFEST, status="unchecked", detail="the run is not finished")
        return
    is_intact = manifest.seal == manifest.fingerprint()
    detail = f"{len(manifest.files)} files; seal of the run {manifest.seal}"
    yield Check(
        what=MANIFEST,
        status="intact" if is_intact else "altered",
        detail=detail if is_intact else "its contents do not match its seal",
    )
    if manifest.record != subject.record.seal:
        detail = "the run was finished with another record"
        yield Check(what="record of the run", status="altered", detail=detail)
    for name, digest in manifest.files.items():
        yield _file(run, name, digest)
    for name in sorted(run_files(run).keys() - manifest.files.keys()):
        yield Check(what=name, status="unchecked", detail="not a file of the finished run")


def _file(run: Path, name: str, digest: str) -> Check:
    """Compare one file of a run with its digest."""
    path = run / name
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return Check(what=name, status="altered", detail="a manifest must not contain files outside the run")
    try:
        found = f"sha256:{digest_of(path)}"
    except OSError as error:
        status: Status = "altered" if path.exists() else "missing"
        return Check(what=name, status=status, detail=f"{path} cannot be read: {error.strerror}")
    if found == digest:
        return Check(what=name, status="intact", detail=digest)
    return Check(what=name, status="altered", detail="changed since the run was finished")

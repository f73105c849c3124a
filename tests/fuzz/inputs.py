"""Generators of hostile files, and the execution of one case; shared with benchmarks/checks/fuzz.py.

Each generator builds a valid file of its kind from odd values, and most cases then change some of its bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import shutil
import struct
import sys
import tarfile
import tempfile
import traceback
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

import rules
from executor.pipeline.prepare import prepare, reopen
from executor.runs.plan import read_plan
from executor.runtime.budget import Budget
from executor.search.records.journal import Journal, search_digest
from executor.search.records.outcome import Outcome
from executor.search.records.weights import weights_path, write_weights
from recommender.cli.main import main
from recommender.dataset.dataset import Dataset
from recommender.examples import example
from rules.decision.request import Request
from rules.errors import PcwatError
from rules.vocabulary.bundle import Bundle

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

BOOK: Final = Path(rules.__file__).parent / "book"
WORK, VICTIM = "work", "victim"
"""Folders of a case: the current directory, and a neighbour that nothing may change."""
NAMES: Final = (
    "a", "b", "y", "x1", "row", "rowid", "", " ", "a b", "A", "fold=3", 'q"q', "it's", "y; DROP TABLE dataset", "--",
    "\u202eabc", "é", "e\u0301", "名前", "🙂", "n" * 300, "a\nb", "a\tb", "class_name",
    "probability of a", "prediction",
    "../x", "%s", "{0}", "$x", "NULL", "1", "1.5", "true", "\x7f", "\x85",
)  # fmt: skip
CELLS: Final = (
    "", "NA", "null", "nan", "inf", "-inf", "0", "-0", "1", "2", "3.5", "-1e308", "1e-320", "1e999", "9" * 30,
    "9223372036854775808", "0x1F", "1_000", "1,257", "$3.10", "3%", "0.6 kg", "011", "true", "False", "yes", "no",
    "2024-01-31", "31/12/2023", "12/31/23", "2024-02-30", "1:30 PM", "2024-01-31T10:00:00+05:30", "infinity", "epoch",
    "0001-01-01", "9999-12-31", "294247-01-10", "a", "b", "c", '"', '""', "a,b", "a;b", "a\nb", "\u202e",
    "\x01", "\x7f",
    "=1+1", "3/4", "2-1", "{}", "[1,2]", "x" * 5000, "é", "🙂", "'",
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1e308, 2**63, 10**400, "", "a", "\x00", "\u202e", "../../victim/x", [], {}, [[]], {"a": {}},
    float("nan"), float("inf"), "9" * 5000, "sha256:0", "adam", ["a"] * 3,
)  # fmt: skip
YAML_PIECES: Final = (
    "!!python/object/apply:os.system [ls]", "&a [*a]", "*missing", "<<: *x", "!!binary x", "2024-13-45", ".inf", ".nan",
    "- " * 300, "[" * 3000, "{" * 3000, "9" * 5500, "\x00", "\x07", "\u202e", "!!set {a}", "? x", "%YAML 3.0", "---",
    "...", "|\n  x", "0o99", "0x", "1_0", "~", "yes", "!!int abc", "!!float x", "!!timestamp x",
    "!<tag:x> y", "\t", "'",
    '"', "@", "`", "a: b: c", "&x &x", "&l [" + "x," * 50 + "]",
)  # fmt: skip
TOML_PIECES: Final = (
    "[recommend]", "[recommend.train]", "[[recommend]]", 'record = "../victim/x"', 'output = "../victim/x"', "seed = 1",
    'target = "y"', "trials = -1", "trials = 1e999", "budget = nan", "a = " + "[" * 3000, "a" + ".a" * 3000 + " = 1",
    "x = 99999999999999999999999", "x = 1979-05-27T07:32:00Z", "x = '\x00'", "[train]", 'book = "../victim/"',
    'pin = ["optimizer=adam"]', "format = 3", 'resume = "../victim"', "force = true", "= 1", '"" = 1', "\u202e = 1",
)  # fmt: skip
TYPES: Final = (
    pa.float64(), pa.float16(), pa.int8(), pa.uint64(), pa.decimal128(38, 3), pa.timestamp("ns", "Asia/Tokyo"),
    pa.timestamp("s"), pa.date32(), pa.time64("us"), pa.duration("ms"), pa.list_(pa.int64()), pa.null(), pa.bool_(),
    pa.struct([("a", pa.int64())]), pa.map_(pa.string(), pa.int64()), pa.binary(), pa.string(),
)  # fmt: skip
FOREIGN_OBJECTS: Final[tuple[dict[str, Any], ...]] = (
    {"class_name": "Lambda", "module": "keras.layers", "registered_name": None},
    {"class_name": "TorchModuleWrapper", "module": "keras.layers", "registered_name": None},
    {"class_name": "__lambda__", "config": {"value": ["4wAA", None, None]}},
    {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "function"},
    {"class_name": "system", "module": "os"},
    {"class_name": "Own", "module": "victim", "registered_name": "pcwat>Own"},
    {"class_name": "Dense", "module": "keras.src.layers", "registered_name": "other>Dense"},
    {"class_name": "Dense", "module": "keras.layers", "registered_name": None},
    {"class_name": "Functional", "module": "keras.src.models.functional"},
    {"class_name": "Sequential", "module": "keras", "registered_name": "Sequential"},
    {"class_name": "Numbers", "module": "executor.layers.numbers", "registered_name": "pcwat>Numbers"},
    {"class_name": ["Dense"], "module": {}},
)
"""Of the configuration of a model: classes that are not in it, or are not pcwat's."""
MODEL_FILE: Final = "run/model.keras"
HOSTILE_MEMBERS: Final = (
    "../../victim/evil", "/evil", "a/../../x.csv", "C:\\x.csv", "a\x00b.png", "n" * 260 + ".png", "", "a/", "CON",
    "\u202egnp.exe", "a=3/x.csv",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files, and the words of a command line that reads them."""

    kind: str
    files: dict[str, bytes]
    """By path below the current directory."""
    words: tuple[str, ...]
    outputs: tuple[str, ...] = field(default=())
    """Paths below the current directory that the command may write; a folder allows what is in it."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a case ended."""

    exit_code: int | None
    trace: str = ""
    """A traceback where an exception came through."""
    stray: tuple[str, ...] = ()
    """Files that were written, changed or removed outside the outputs."""

    @property
    def is_clean(self) -> bool:
        return self.exit_code in {0, 1, 2} and not self.trace and not self.stray


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Some bytes cut off, flipped, repeated, moved or replaced; in half of the cases none."""
    if not content or chance.random() < 1 / 2:
        return content
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 30])):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice([1, 2, 8, 100])
        match chance.randrange(7):
            case 0:
                del changed[place:]
            case 1:
                changed[place : place + length] = chance.randbytes(length)
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[max(0, place - length) : place] * chance.choice([1, 3, 50])
            case 4:
                changed[place:place] = chance.choice(
                    [b"\x00", b'"', b"\r", b"\n", b"\xff\xfe", b",", b"\xe2\x80\xae", b"[" * 500, b"9" * 400, b"-"]
                )
            case 5:
                changed[place : place + 4] = struct.pack("<I", chance.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
            case _:
                changed[place : place + 8] = struct.pack("<q", chance.choice([-1, 2**31, 2**40, 2**62]))
        if not changed:
            break
    return bytes(changed)


def columns(chance: random.Random) -> dict[str, list[str]]:
    """A table of words: columns of plain numbers, of one odd pool, and of everything."""
    is_odd = chance.random() < 1 / 2  # else a table that can be learned from, with an oddity or two
    rows = chance.choice([0, 1, 2, 12, 60, 200]) if is_odd else 60
    table = {}
    for number in range(chance.choice([1, 2, 3, 3, 5, 8])):
        name = chance.choice(NAMES) if chance.random() < (1 / 3 if is_odd else 1 / 10) else f"c{number}"
        odd = [CELLS, chance.sample(CELLS, 3)] if is_odd or chance.random() < 1 / 4 else []
        pool = chance.choice([None, None, ["1", "2", "x"], ["a", "b"], *odd])
        if chance.random() < 1 / 6:
            start = chance.randrange(20_000)
            values = [str(np.datetime64("1990-01-01") + start + row) for row in range(rows)]
        elif pool is None:
            values = [f"{chance.gauss(0, 100):.3f}" for _ in range(rows)]
        else:
            values = [chance.choice(pool) for _ in range(rows)]
        if values and is_odd and chance.random() < 1 / 2:
            values[-1] = chance.choice(CELLS)
        table[name] = values
    table["y"] = [chance.choice(["0", "1", "a"] if is_odd else ["0", "1"]) for _ in range(rows)]
    return table


def delimited(chance: random.Random, *, ending: str = ".csv") -> Case:
    table = columns(chance)
    mark = "\t" if ending == ".tsv" else chance.choice([",", ",", ",", ";", "|", " ", "~"])
    quote = chance.random() < 9 / 10
    names = [*table, next(iter(table))] if chance.random() < 1 / 8 else [*table]
    rows: list[list[str]] = [names, *map(list, zip(*(table[name] for name in names), strict=True))]
    if rows and chance.random() < 1 / 8:
        chance.choice(rows).append("extra")
    lines = [mark.join(_quoted(cell) if quote else cell for cell in row) for row in rows]
    text = chance.choice(["\n", "\n", "\n", "\r\n", "\r"]).join([*lines, ""])
    content = text.encode(chance.choice(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-7", "cp1252"]), "replace")
    content = mutated(content, chance)
    name = chance.choice(["data", "a=3", "it's", "-data", "ünï"]) + ending
    if chance.random() < 1 / 10:
        name, content = f"{name}.gz", mutated(gzip.compress(content), chance)
    return _of_data(ending[1:], {name: content}, name, table, chance)


def json_lines(chance: random.Random) -> Case:
    table = columns(chance)
    lines = []
    odd = chance.choice([0, 0, 1 / 500, 1 / 4])  # share of cells that hold anything
    for row in zip(*table.values(), strict=True):
        values: dict[str, Any] = {
            name: chance.choice([cell, _number(cell), chance.choice(VALUES)])
            if chance.random() < odd
            else cell
            if _finite(_number(cell)) is None
            else _number(cell)
            for name, cell in zip(table, row, strict=True)
        }
        if chance.random() < odd / 5:
            values.popitem()
        lines.append(json.dumps(values))
    if lines and chance.random() < 1 / 8:
        depth = chance.choice([50, 3000])
        lines[chance.randrange(len(lines))] = '{"a":' * depth + "1" + "}" * depth
    name = chance.choice(["data.jsonl"] * 5 + ["data.ndjson"] * 4 + ["data.json"])
    return _of_data("json lines", {name: mutated("\n".join([*lines, ""]).encode(), chance)}, name, table, chance)


def parquet_table(chance: random.Random) -> Case:
    table = columns(chance)
    arrays = []
    for values in table.values():
        numbers = [_number(cell) for cell in values]
        some: list[Any] = [None if number is None else int(number) % 100_000 for number in map(_finite, numbers)]
        if chance.random() < 1 / 2:
            arrays.append(pa.array(numbers))
            continue
        kind = chance.choice(TYPES)
        try:
            arrays.append(pa.array(some).cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            arrays.append(pa.array(values).dictionary_encode() if chance.random() < 1 / 2 else pa.array(values))
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, names=[*table]), sink)
    return _of_data("parquet", {"data.parquet": mutated(sink.getvalue(), chance)}, "data.parquet", table, chance)


def arrays(chance: random.Random) -> Case:
    rows = chance.choice([0, 1, 12, 60, 60, 60])
    random_numbers = np.random.default_rng(chance.randrange(2**32))
    kinds = [">f4", "<f8", "f2", "i1", ">i8", "u8", "?", "c8", "U3", "S3", "M8[Y]", "M8[ns]", "m8[s]", "V4", "f4"]
    shapes: list[tuple[int, ...]] = [(rows,), (rows, 3), (rows, 8, 8), (rows, 8, 8, 3), (rows, 0), (), (3, rows)]
    stored: dict[str, np.ndarray] = {}
    is_plain = chance.random() < 1 / 3  # images or sequences that can be learned from
    if is_plain or chance.random() < 1 / 2:
        shapes = chance.sample([(rows, 8, 8), (rows, 8, 8, 3), (rows, 20, 2)], 3)
    others = chance.sample(["images", "labels", "x_train", "a b", "../x"], chance.choice([0, 0, 0, 1, 2]))
    for name in ["x", "y", *others] if chance.random() < 9 / 10 else others:
        shape = (rows,) if name in {"y", "labels"} and chance.random() < 3 / 4 else chance.choice(shapes)
        if is_plain:
            high, shape = (256, shapes[0]) if name == "x" else (2, (rows,))
            stored[name] = random_numbers.integers(0, high, shape).astype(chance.choice(["u1", "i8", "f8"]))
            continue
        raw = (random_numbers.random(shape) * chance.choice([1, 3, 255, 1e300])).astype("f8")
        with np.errstate(all="ignore"), contextlib.suppress(TypeError, ValueError):
            stored[name] = raw.astype(chance.choice(kinds)) if chance.random() < 2 / 3 else raw.astype("u1")
    sink = io.BytesIO()
    np.savez(sink, **stored)
    table: dict[str, list[str]] = {name: [] for name in stored}
    return _of_data("npz", {"data.npz": mutated(sink.getvalue(), chance)}, "data.npz", table, chance)


def archive(chance: random.Random) -> Case:
    members = {f"{chance.choice('ab')}/{number}.png": _image(chance) for number in range(chance.choice([0, 2, 24]))}
    if chance.random() < 1 / 2:
        members = {f"{'ab'[number % 2]}/{number}.png": _noise(chance) for number in range(48)}
    elif chance.random() < 1 / 3:
        members = {"table.csv": b"a,y\n1,0\n2,1\n" * 20}
    if chance.random() < 1 / 4:
        members[chance.choice(HOSTILE_MEMBERS)] = b"x,y\n1,2\n"
    sink = io.BytesIO()
    ending = chance.choice([".zip", ".zip", ".tar", ".tar.gz"])
    if ending == ".zip":
        with zipfile.ZipFile(sink, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as packed:
            for name, content in members.items():
                packed.writestr(zipfile.ZipInfo(name or "x"), content)
        content = sink.getvalue()
        if chance.random() < 1 / 5:  # the flag of encrypted members
            content = content.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    else:
        with tarfile.open(fileobj=sink, mode="w:gz" if ending == ".tar.gz" else "w") as tape:
            for name, content in members.items():
                entry = tarfile.TarInfo(name or "x")
                entry.size = len(content)
                tape.addfile(entry, io.BytesIO(content))
            if chance.random() < 1 / 3:
                link = tarfile.TarInfo("a/link.png")
                link.type, link.linkname = chance.choice([tarfile.SYMTYPE, tarfile.LNKTYPE]), "../../victim/kept"
                tape.addfile(link)
        content = sink.getvalue()
    name = f"data{ending}"
    return _of_data(ending[1:], {name: mutated(content, chance)}, name, {"class": []}, chance)


def image_folder(chance: random.Random) -> Case:
    labels = chance.sample(["a", "b", "fold=3", "\u202ec", " ", "it's"], 2)
    count = chance.choice([1, 3, 12])
    files = {
        f"pictures/{label}/{number}{chance.choice(['.png', '.png', '.jpg', '.gif', '.txt', '.heic'])}": _image(chance)
        for label in labels
        for number in range(count)
    }
    if chance.random() < 1 / 2:  # images that a folder really holds
        files = {f"pictures/{label}/{number}.png": _noise(chance) for label in labels for number in range(24)}
        changed = chance.choice([*files])
        files[changed] = mutated(files[changed], chance)
    return Case(kind="images", files=files, words=("pictures",))


def book(chance: random.Random) -> Case:
    own = re.compile(r"\b([A-Z])0(\d\d)\b")  # ids that the shipped pages do not have
    pages = {
        f"book/{path.name}": own.sub(r"\g<1>9\2", path.read_text(encoding="utf-8")).encode()
        for path in sorted((BOOK / "handbook").glob("*.yaml"))
    }
    changed = chance.choice([*pages])
    text = _with_pieces(pages[changed].decode(), YAML_PIECES, chance)
    pages[changed] = mutated(text.encode("utf-8", "replace"), chance)
    words = chance.choice(
        [
            ("rules", "check", "book"),
            ("rules", "list", "--book", "book"),
            ("table.csv", "--target", "y", "--book", "book"),
        ]
    )
    return Case(kind="books", files=pages | {"table.csv": TABLE}, words=words)


def settings(chance: random.Random) -> Case:
    lines = chance.choices(TOML_PIECES, k=chance.choice([1, 2, 4]))
    content = "\n".join([chance.choice(["[recommend]", "[recommend]", ""]), *lines, ""]).encode("utf-8", "replace")
    return Case(
        kind="settings",
        files={"pcwat.toml": mutated(content, chance), "table.csv": TABLE},
        words=("table.csv", "--target", "y"),
    )


def bundle(chance: random.Random) -> Case:
    text = _with_pieces(_stopped()["bundle.yaml"].decode(), YAML_PIECES, chance)
    return Case(
        kind="bundles",
        files={"bundle.yaml": mutated(text.encode("utf-8", "replace"), chance)},
        words=(BEGIN, str(example("wine")), "bundle.yaml"),
        outputs=("run",),
    )


def record(chance: random.Random) -> Case:
    content = _changed_json(_stopped()["record.json"], chance)
    question = chance.choice([("explain",), ("verify",), ("replay",), ("guardrails",), ("what-if",), ("why-not",)])
    more = ("optimizer=sgd",) if question == ("why-not",) else ()
    return Case(kind="records", files={"record.json": content}, words=("audit", *question, "record.json", *more))


def model_file(chance: random.Random) -> Case:
    """A run whose model, or the signature of it, was edited, and rows to predict."""
    files = {f"run/{name}": content for name, content in _modelled().items()}
    match chance.randrange(8):
        case 0:
            files["run/signature.json"] = _changed_json(files["run/signature.json"], chance)
        case 1:
            files[MODEL_FILE] = mutated(files[MODEL_FILE], chance)
        case _:
            files[MODEL_FILE] = _changed_model(files[MODEL_FILE], chance)
    output = chance.choice([(), ("-o", "out.csv")])
    return Case(
        kind="models",
        files=files | {"table.csv": TABLE},
        words=("predict", "run", "table.csv", *output),
        outputs=("out.csv",),
    )


def _changed_model(content: bytes, chance: random.Random) -> bytes:
    """A .keras file with other members, another configuration or other weights."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    match chance.randrange(8):
        case 0:
            del members[chance.choice([*members])]
        case 1:
            members[chance.choice(HOSTILE_MEMBERS) or "x"] = b"x"
        case 2:
            members["model.weights.h5"] = _changed_weights(members["model.weights.h5"], chance)
        case 3:
            name = chance.choice([*members])
            members[name] = mutated(members[name], chance)
        case _:
            members["config.json"] = _changed_configuration(members["config.json"], chance)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as packed:
        for name, member in members.items():
            packed.writestr(zipfile.ZipInfo(name), member)
    changed = sink.getvalue()
    if chance.random() < 1 / 20:  # the flag of encrypted members
        changed = changed.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    return changed


def _changed_configuration(content: bytes, chance: random.Random) -> bytes:
    """A configuration with values of objects replaced: classes, modules, sizes, names, links between layers."""
    if chance.random() < 1 / 4:
        return _changed_json(content, chance)
    document = json.loads(content)
    objects: list[Any] = []
    left: list[Any] = [document]
    while left:
        node = left.pop()
        if isinstance(node, dict) and node:
            objects.append(node)
        left += [
            value for value in (node.values() if isinstance(node, dict) else node) if isinstance(value, dict | list)
        ]
    for _ in range(chance.choice([1, 1, 2])):
        node = chance.choice(objects)
        name = chance.choice([*node])
        sizes = [one for one in node if isinstance(node[one], int | float) and not isinstance(node[one], bool)]
        match chance.randrange(4):
            case 0:
                node.update(chance.choice(FOREIGN_OBJECTS))
            case 1 if sizes:
                node[chance.choice(sizes)] = chance.choice([0, -1, 2**31, 2**62, 10**30, 1e308, 0.5])
            case 2:
                other = chance.choice(objects)
                node[name] = other.get(name, chance.choice([*other.values()]))
            case _:
                node[name] = chance.choice(VALUES)
    try:
        return json.dumps(document).encode()
    except (RecursionError, ValueError):  # an object within itself
        return content


def _changed_weights(content: bytes, chance: random.Random) -> bytes:
    """Weights of which one has another shape or type, is a link, or is gone."""
    sink = io.BytesIO(content)
    with h5py.File(sink, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, value: names.append(name) if isinstance(value, h5py.Dataset) else None)
        name = chance.choice(names)
        own = file[name][()]
        del file[name]
        match chance.randrange(6):
            case 0:
                file[name] = np.zeros((3, *own.shape), own.dtype)
            case 1:
                file[name] = np.full(own.shape, np.nan, np.float16)
            case 2:
                file[name] = b"text"
            case 3:
                file[name] = h5py.ExternalLink("../victim/kept", "/")
            case 4:
                file.create_dataset(name, (2**40,), "f4", chunks=(2**10,))
            case _:
                file[name] = h5py.SoftLink("/")
    return sink.getvalue()


def run_directory(chance: random.Random) -> Case:
    files = {f"run/{name}": content for name, content in _stopped().items()}
    changed = chance.choice([*files])
    if chance.random() < 1 / 10:
        del files[changed]
    elif changed.endswith(".json"):
        files[changed] = _changed_json(files[changed], chance)
    else:
        files[changed] = mutated(files[changed], chance)
    if chance.random() < 1 / 3:
        files["run/scores.json"] = mutated(b'{"metric": "f1", "hold_out": {}}', chance)
    words = chance.choice(
        [(RESUME, "run"), (RESUME, "run"), ("runs", "."), ("audit", "verify", "run"), ("report", "run")]
    )
    return Case(kind="runs", files=files, words=words, outputs=("run",))


BEGIN, RESUME = "[begin]", "[resume]"
"""Calls of Python in place of a command, because the command would train."""
TABLE: Final = "\n".join(
    ["a,b,y", *(f"{number},{number * 7 % 11},{'yes' if number % 3 else 'no'}" for number in range(60)), ""]
).encode()
GENERATORS: Final[dict[str, Callable[[random.Random], Case]]] = {
    "csv": delimited,
    "tsv": lambda chance: delimited(chance, ending=".tsv"),
    "json lines": json_lines,
    "parquet": parquet_table,
    "npz": arrays,
    "archives": archive,
    "images": image_folder,
    "books": book,
    "settings": settings,
    "bundles": bundle,
    "records": record,
    "runs": run_directory,
    "models": model_file,
}


def cases(kind: str) -> st.SearchStrategy[Case]:
    """Cases of a kind."""
    return st.randoms(use_true_random=True).map(GENERATORS[kind])


def write_case(case: Case, root: Path) -> None:
    """Lay the files of a case out below root, which is emptied before."""
    shutil.rmtree(root, ignore_errors=True)
    for name in (WORK, VICTIM, "tmp", "home"):
        (root / name).mkdir(parents=True)
    (root / VICTIM / "kept").write_bytes(b"kept")
    for name, content in case.files.items():
        path = root / WORK / name
        with contextlib.suppress(OSError, ValueError):  # a name that no disk takes
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def execute(case: Case, root: Path) -> Verdict:
    """Execute a case that write_case laid out, in this process, and compare the files before and after."""
    before = _files(root)
    kept = {name: os.environ.get(name) for name in ("HOME", "TMPDIR")}
    place, folder, arguments = Path.cwd(), tempfile.tempdir, sys.argv
    os.environ.update(HOME=str(root / "home"), TMPDIR=str(root / "tmp"))
    os.chdir(root / WORK)
    tempfile.tempdir = None
    try:
        exit_code, trace = _executed(case.words)
    finally:
        os.chdir(place)
        tempfile.tempdir, sys.argv = folder, arguments
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    after = _files(root)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    allowed = tuple(f"{WORK}/{name}" for name in case.outputs)
    stray = sorted(name for name in changed if not any(name == one or name.startswith(f"{one}/") for one in allowed))
    return Verdict(exit_code=exit_code, trace=trace, stray=tuple(stray))


def _executed(words: tuple[str, ...]) -> tuple[int | None, str]:
    """The exit code, or a traceback."""
    sys.argv = ["recommend", *words]
    sinks = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    try:
        with contextlib.redirect_stdout(sinks[0]), contextlib.redirect_stderr(sinks[1]):
            match words:
                case ("[begin]", table, edited):
                    _begin(Path(table), Path("run"), Bundle.read(Path(edited)))
                case ("[resume]", directory):
                    reopen(Path(directory)).dataset.close()
                case _:
                    main()
    except SystemExit as error:
        return (error.code if isinstance(error.code, int) else int(error.code is not None)), ""
    except PcwatError as error:
        return (2, "") if str(error).strip() else (None, "an error without a message")
    except BaseException:  # noqa: BLE001  whatever comes through is what is looked for
        return None, traceback.format_exc()
    return 0, ""


def _begin(table: Path, directory: Path, chosen: Bundle | None = None) -> None:
    with Dataset.open(str(table)) as dataset:
        prepare(dataset, Request(), budget=Budget(trials=2), bundle=chosen, directory=directory)


_KEPT: Final[dict[str, bytes]] = {}


def _stopped() -> dict[str, bytes]:
    """The files of a run that was stopped after one trial; its dataset is one of the examples."""
    if not _KEPT:
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder) / "run"
            with Dataset.open(example("wine")) as dataset:
                prepare(dataset, Request(), budget=Budget(trials=2), directory=directory)
            plan = read_plan(directory)
            journal = Journal(directory, search=search_digest(plan.bundle, plan.seed))
            weights = weights_path(directory, 0)
            write_weights(weights, [np.zeros(3, np.float32)])
            ended = {"status": "completed", "score": 0.5, "epochs": 3, "planned_epochs": 3, "seconds": 0.5}
            ended["ended_by"] = "completed"
            journal.append([Outcome(number=0, hyperparameters={"learning_rate": 0.1}, weights=weights, **ended)])
            paths = [path for path in directory.rglob("*") if path.is_file()]
            _KEPT.update({path.relative_to(directory).as_posix(): path.read_bytes() for path in paths})
    return _KEPT


_MODELLED: Final[dict[str, bytes]] = {}


def _modelled() -> dict[str, bytes]:
    """The files of a run with an untrained model of TABLE."""
    if not _MODELLED:
        from tests.executor.model.untrained import Kind, save_untrained  # noqa: PLC0415  TensorFlow takes seconds

        def write(folder: Path) -> Path:
            (folder / "table.csv").write_bytes(TABLE)
            return folder / "table.csv"

        with tempfile.TemporaryDirectory() as folder:
            directory = save_untrained(Kind(write=write, request=Request(target="y")), Path(folder)).directory
            paths = [path for path in directory.rglob("*") if path.is_file()]
            _MODELLED.update({path.relative_to(directory).as_posix(): path.read_bytes() for path in paths})
    return _MODELLED


def _files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _of_data(kind: str, files: dict[str, bytes], name: str, table: dict[str, list[str]], chance: random.Random) -> Case:
    """A case that recommends for, or profiles, one of its files."""
    usual = "y" if "y" in table else next(iter(table), "y")
    target = chance.choice([*table, "y"]) if chance.random() < 1 / 3 else usual
    named = ("--target", target) if chance.random() < 3 / 4 else ()
    task = ("--task", chance.choice(["forecasting", "regression", "multilabel"])) if chance.random() < 1 / 8 else ()
    path = f"./{name}"
    verb = chance.choice([(path, "-o", "out.yaml"), (path,), (path, "--format", "json"), ("profile", path)])
    return Case(kind=kind, files=files, words=(*verb, *named, *task), outputs=("out.yaml",))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',;"\n\t| ~') else cell


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _finite(number: float | None) -> float | None:
    return number if number is not None and np.isfinite(number) else None


def _image(chance: random.Random) -> bytes:
    mode = chance.choice(["L", "RGB", "RGB", "RGBA", "I;16", "1", "P"])
    return mutated(_png(mode, chance.choice([(8, 8), (8, 8), (1, 1), (64, 3)])), chance)


def _noise(chance: random.Random) -> bytes:
    """A sound picture of random pixels."""
    sink = io.BytesIO()
    Image.frombytes("RGB", (8, 8), chance.randbytes(192)).save(sink, "PNG")
    return sink.getvalue()


def _png(mode: str, size: tuple[int, int]) -> bytes:
    sink = io.BytesIO()
    Image.new(mode, size).save(sink, "PNG")
    return sink.getvalue()


def _with_pieces(text: str, pieces: tuple[str, ...], chance: random.Random) -> str:
    """A text with pieces put at the ends of lines, in place of values, or as lines."""
    lines = text.split("\n")
    for _ in range(chance.choice([0, 1, 1, 3])):
        place, piece = chance.randrange(len(lines)), chance.choice(pieces)
        key, colon, _ = lines[place].partition(":")
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines[place] = chance.choice([f"{key}{colon} {piece}", f"{lines[place]}{piece}", f"{indent}{piece}"])
    return "\n".join(lines)


def _changed_json(content: bytes, chance: random.Random) -> bytes:
    """A JSON document with values replaced, removed or added anywhere; sometimes damaged bytes instead."""
    if chance.random() < 1 / 4:
        return mutated(content, chance)
    document = json.loads(content)
    for _ in range(chance.choice([1, 1, 2])):
        node = document
        while True:
            place = chance.choice([*node] if isinstance(node, dict) else [*range(len(node))])
            if not isinstance(node[place], dict | list) or not node[place] or chance.random() < 1 / 6:
                break
            node = node[place]
        match chance.randrange(3):
            case 0:
                node[place] = chance.choice(VALUES)
            case 1 if isinstance(node, dict):
                node[chance.choice(["x", "", "\u202e", "format"])] = chance.choice(VALUES)
            case _:
                del node[place]
    if chance.random() < 1 / 10:
        return b"[" * 5000 + json.dumps(document).encode()
    return json.dumps(document).encode()

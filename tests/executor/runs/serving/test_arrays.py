"""Images, sequences and prediction sets over HTTP: predictions equal to `predict`, errors, and limits."""

from __future__ import annotations

import base64
import io
import json
import struct
import time
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pyarrow import csv

from executor.data.raw_table import Form
from executor.model.calibration.conformal_sets import conformal_sets
from executor.model.predict import predict
from executor.model.signature import Column
from executor.runs.export.encoding import parse_encoding
from executor.runs.export.export import describe
from executor.runs.export.keras_graph import graph_of
from executor.runs.export.keras_model import take_apart
from executor.runs.export.predictor import Predictor
from executor.runs.run import Run
from executor.runs.serving.app import create_app
from executor.runs.serving.array_rows import read_image_files
from executor.runs.serving.limits import Limits
from executor.runs.serving.service import Service
from rules.errors import ServingError
from rules.vocabulary.column_kind import Kind
from tests.executor.model.untrained import KINDS, save_untrained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD_RUNS: Final = Path(__file__).parents[3] / "old_runs"
LIMITS: Final = Limits(body_bytes=60_000, rows=40, values=10_000)
JSON, NPZ = "application/json", "application/octet-stream"
PIXELS: Final = np.load(OLD_RUNS / "images" / "data.npz")["image"][:5].reshape(-1, 8, 8)
STEPS: Final[list[list[list[float | None]]]] = [
    [[0.326, -0.306], [0.855, 1.052], [None, -1.092]],
    [[1.203, 1.202], [0.509, None], [-0.728, -0.2], [-0.827, -1.576], [0.6, -1.411]],
    [[1, -2]],
]


@contextmanager
def client_of(model: Run | Predictor) -> Iterator[TestClient]:
    """A client of a server, once it is ready."""

    def open_service(on_batch: Callable[[int], None]) -> Service:
        service = Service(model, on_batch=on_batch)
        service.load()
        return service

    with TestClient(create_app(open_service, LIMITS)) as client:
        while client.get("/ready").status_code != 200:
            time.sleep(0.01)
        yield client


def exported(run: Run) -> Predictor:
    """The model of a run in NumPy, without the check of a written export."""
    parts = take_apart(run.model, run.signature)
    document = describe(parts, run.signature, to="numpy", run="")
    return Predictor(parse_encoding(document), graph_of(parts.network).run)


@pytest.fixture(scope="module")
def image_run() -> Run:
    """A run on images of 8 x 8 grey pixels."""
    return Run(OLD_RUNS / "images" / "run")


@pytest.fixture(scope="module")
def images(image_run: Run) -> Iterator[TestClient]:
    """A client of the exported model of this run."""
    with client_of(exported(image_run)) as client:
        yield client


@pytest.fixture(scope="module")
def sequence_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on sequences of two channels, and a column of categories."""
    return save_untrained(KINDS["random kernels"], tmp_path_factory.mktemp("sequences"))


@pytest.fixture(scope="module")
def sequences(sequence_run: Run) -> Iterator[TestClient]:
    """A client of the exported model of this run."""
    with client_of(exported(sequence_run)) as client:
        yield client


def png(pixels: np.ndarray, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


def post(client: TestClient, body: object, *, query: str = "", content: str = JSON) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/predict{query}", content=sent, headers={"content-type": content})


def of_columns(answer: Any) -> list[dict[str, object]]:
    columns = answer.json()["predictions"]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


FILES: Final = [png(own) for own in PIXELS]
CODED: Final = [base64.b64encode(data).decode() for data in FILES]


@pytest.mark.parametrize("kind", ["run", "export"])
def test_images_in_json_forms_and_npz_are_predicted_as_by_predict(kind: str, image_run: Run, tmp_path: Path) -> None:
    model = image_run if kind == "run" else exported(image_run)
    for number, data in enumerate(FILES):
        (tmp_path / f"{number}.png").write_bytes(data)
    expected = model.predict(tmp_path).to_pylist()
    assert [row["file"] for row in expected] == [f"{number}.png" for number in range(5)]
    plain = [{name: value for name, value in row.items() if name != "file"} for row in expected]
    with client_of(model) as client:
        form = client.post("/predict", files=[("file", (f"{at}.png", data)) for at, data in enumerate(FILES)])
        assert form.json() == {"predictions": expected, "warnings": []}
        assert of_columns(post(client, {"image": CODED})) == plain
        assert post(client, npz(image=PIXELS), content=NPZ).json()["predictions"] == plain
        lines = [
            CODED[0][:40] + "\n" + CODED[0][40:],
            {"b64": CODED[1]},
            f"data:image/png;base64,{CODED[2]}",
            *CODED[3:],
        ]
        assert post(client, [{"image": one} for one in lines]).json()["predictions"] == plain


def test_images_of_other_sizes_and_colours_are_read_as_files_of_a_folder(
    images: TestClient, image_run: Run, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    files = {
        "a.jpg": png(random.integers(0, 256, (20, 30, 3), np.uint8), "JPEG"),
        "b.png": png(random.integers(0, 256, (9, 9, 4), np.uint8)),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = images.post("/predict", files=[("any name", item) for item in files.items()])
    assert found.json()["predictions"] == exported(image_run).predict(tmp_path).to_pylist()


def bomb(side: int) -> bytes:
    """A PNG of a few bytes whose header declares many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([{"image": "AAAA"}], "row 1 of column 'image' of the request is not: not a supported image format. Give a"),
        ([{"image": CODED[0]}, {"image": CODED[1][:60]}], "row 2 of column 'image' of the request is not: "),
        ([{"image": CODED[0]}, {"image": "nö"}], "but the request has 'nö' in row 2. Encode a PNG or JPEG file"),
        ([{"image": None}], "must hold the content of image files in base64, but the request has None in row 1"),
        ([{"image": "/etc/passwd"}], "but the request has '/etc/passwd' in row 1"),
        ([{"image": {"b65": CODED[0]}}], "in row 1. Encode a PNG"),
        ([{"image": [[0, 1]]}], "has [[0, 1]] in row 1. Encode"),
        ([{"imgae": CODED[0]}], "the request lacks 'image'. Is it called 'imgae'?"),
        ([{"image": CODED[0], "x": 1}], "the request also has 'x'"),
        (
            {"image": [base64.b64encode(bomb(101)).decode()]},
            "at most 10,000 pixels, numbers or bytes, but the images up",
        ),
        ({"image": [base64.b64encode(bomb(60_000)).decode()]}, "exceeds limit"),
        ({"image": [base64.b64encode(png(PIXELS[0].astype(np.uint16))).decode()]}, "held 8-bit images in training"),
    ],
)
def test_images_that_cannot_be_read_are_422_and_named(images: TestClient, body: object, says: str) -> None:
    found = post(images, body)
    assert (found.status_code, says in found.json()["detail"]) == (422, True), found.text


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            [("file", ("a<b>.png", b"no image"))],
            "file 1, 'a<b>.png', of the request is not: not a supported image format",
        ),
        ([("file", ("a.png", FILES[0]))] * 41, "Too many files. Maximum number of files is 40"),
        ([("note", (None, b"text"))], "Send files only, as 'curl -F file=@image.png' does"),
        ([("file", ("a.png", bomb(101)))], "the images up to file 1, 'a.png' have 10,201 pixels. Send several"),
    ],
)
def test_a_form_without_valid_images_is_422(images: TestClient, files: Any, says: str) -> None:
    found = images.post("/predict", files=files)
    assert (found.status_code, says in found.json()["detail"]) == (422, True), found.text


@pytest.mark.parametrize(
    ("body", "content", "status", "says"),
    [
        (b"--x\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x", 422, "cannot be read"),
        (b"", "multipart/form-data; boundary=x", 422, "A form must have image files"),
        (b"x", "multipart/form-data", 422, "boundary"),
        (b"image\na.png\n", "text/csv", 415, f"must be {JSON} or multipart/form-data or {NPZ}, text in UTF-8"),
        (b"PK", NPZ, 422, "request.npz is not, or is truncated"),
        (npz(image=PIXELS[:, :7]), NPZ, 422, "but request.npz has images of 7 x 8 pixels"),
        (npz(image=np.zeros((41, 8, 8), np.uint8)), NPZ, 422, "at most 40 rows, but this one has 41"),
        (npz(image=np.zeros((200, 8, 8), np.uint8)), NPZ, 422, "an .npz unpacks to 12,928 bytes"),
        (npz(image=np.array([{}], object)), NPZ, 422, "Python objects, which are not read for security reasons"),
    ],
)
def test_other_bodies_of_a_model_of_images_are_refused(
    images: TestClient, body: bytes, content: str, status: int, says: str
) -> None:
    found = post(images, body, content=content)
    assert (found.status_code, says in found.json()["detail"]) == (status, True), found.text
    assert "/tmp" not in found.text  # noqa: S108  no path of the server


@pytest.mark.parametrize("kind", ["run", "export"])
def test_sequences_as_lists_are_predicted_as_those_of_an_npz(kind: str, sequence_run: Run, tmp_path: Path) -> None:
    model = sequence_run if kind == "run" else exported(sequence_run)
    padded, sides = np.full((3, 6, 2), np.nan), ["left", "right", "left"]
    for row, steps in enumerate(STEPS):
        padded[row, : len(steps)] = np.array(steps, float)
    body = npz(signal=padded, side=np.array(sides))
    (tmp_path / "rows.npz").write_bytes(body)
    expected = model.predict(tmp_path / "rows.npz").to_pylist()
    ended = [*STEPS[2], [None, None]]  # steps without a number at the end do not count, as in an .npz
    with client_of(model) as client:
        columns = post(client, {"side": sides, "signal": [*STEPS[:2], ended]})
        assert of_columns(columns) == expected
        assert post(client, body, content=NPZ).json() == {"predictions": expected, "warnings": []}
        keyed = [{"id": at, "signal": STEPS[at], "side": sides[at]} for at in range(3)]
        assert post(client, keyed, query="?key=id").json()["predictions"] == [
            {"id": at, **row} for at, row in enumerate(expected)
        ]


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([], "must hold sequences of 2 channels, as it did in training, but the request has [] in row 2"),
        (None, "but the request has None in row 2. Give a list of steps, which are lists of 2 numbers, or null"),
        ([[1, 2], [1]], "but the request has [1] in row 2, step 2"),
        ([[1, 2], [1, "2"]], "but the request has [1, '2'] in row 2, step 2"),
        ([[1, True]], "[1, True] in row 2, step 1"),
        ([[1, 1e39]], "[1, 1e+39] in row 2, step 1, which is not finite in 32 bits"),
        ([[1, 10**400]], "in row 2, which has a number that is too large"),
        ([[None, None]], "in row 2, which has no number"),
        ([[1, float("nan")]], "JSON numbers must be finite"),
        ([[0, 0]] * 2_501, "2 sequences, padded to 2,501 steps, have 10,004 numbers. Send several requests"),
    ],
)
def test_sequences_that_cannot_be_read_are_422_with_row_and_step(
    sequences: TestClient, steps: object, says: str
) -> None:
    found = post(sequences, [{"signal": STEPS[0], "side": "left"}, {"signal": steps, "side": "left"}])
    assert (found.status_code, says in found.json()["detail"]) == (422, True), found.text


def test_the_schema_and_the_metrics_have_images_and_sequences(images: TestClient, sequences: TestClient) -> None:
    schema = images.get("/openapi.json").json()
    content = schema["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert [*content] == [JSON, "multipart/form-data", NPZ]
    assert schema["components"]["schemas"]["Row"]["properties"]["image"]["oneOf"][0]["contentEncoding"] == "base64"
    steps = sequences.get("/openapi.json").json()["components"]["schemas"]["Row"]["properties"]["signal"]
    assert (steps["type"], steps["items"]["minItems"]) == ("array", 2)
    post(images, [{"image": CODED[0]}])
    assert f'pcwat_predictions_total{{content="{JSON}",sets="false"}}' in images.get("/metrics").text


def test_a_form_is_refused_if_the_model_reads_other_columns(image_run: Run) -> None:
    number = Column(name="age", kind=Kind.NUMERIC, form=Form.NUMBER, storage="DOUBLE")
    both = image_run.signature.model_copy(update={"columns": (*image_run.signature.columns, number)})
    with pytest.raises(ServingError, match=r"the model also reads 'age'\. Send JSON rows with the image in base64"):
        read_image_files([("a.png", FILES[0])], both, max_values=1_000)


BIRD: Final = {"weight": 26.5, "length": None, "colour": "blue", "habitat": "wood"}
ROWS: Final = pd.read_csv(OLD_RUNS / "classes" / "data.csv", nrows=40)


@pytest.fixture(scope="module")
def bird_run() -> Run:
    """A run on three classes, with prediction sets of 19 imagined validation rows for each class."""
    run = Run(OLD_RUNS / "classes" / "run")
    own = np.geomspace(0.002, 0.5, 57)[:, None]  # probabilities of the true class
    sets = conformal_sets(np.arange(57) % 3, np.repeat(own, 3, axis=1))
    run.signature = run.signature.model_copy(update={"sets": sets})
    return run


@pytest.fixture(scope="module")
def birds(bird_run: Run) -> Iterator[TestClient]:
    with client_of(bird_run) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("?sets=true", {"coverage": 0.9}),
        ("?sets=1&coverage=0.95&by_class=true", {"coverage": 0.95, "by_class": True}),
    ],
)
def test_prediction_sets_are_those_of_predict(
    birds: TestClient, bird_run: Run, query: str, options: dict[str, Any]
) -> None:
    body = ROWS.to_csv(index=False).encode()
    found = birds.post(f"/predict{query}", content=body, headers={"content-type": "text/csv", "accept": "text/csv"})
    sink = io.BytesIO()
    csv.write_csv(predict(bird_run.outcome_of, bird_run.signature, ROWS, as_text=True, **options), sink)
    assert found.content == sink.getvalue()
    assert 'content="text/csv",sets="true"' in birds.get("/metrics").text
    expected = bird_run.predict(ROWS, **options)
    rows = json.loads(ROWS.to_json(orient="records"))
    rows = [{name: value for name, value in row.items() if name in BIRD} for row in rows]
    assert len({len(own) for own in expected["set"]}) > 1
    plain = [{**row, "set": [*row["set"]]} for row in expected.to_dict("records")]
    assert post(birds, rows, query=query).json()["predictions"] == plain
    as_text = [{**row, "weight": str(row["weight"])} for row in rows]  # read with DuckDB
    assert post(birds, as_text, query=query).json()["predictions"] == plain
    assert of_columns(post(birds, {name: [row[name] for row in rows] for name in BIRD}, query=query)) == plain


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?sets=0.9", "The parameter sets must be true or false, but got '0.9'. A coverage has its own parameter"),
        ("?sets=true&coverage=nan", "The parameter coverage must be a number from 0.5 to 0.99, but got 'nan'"),
        ("?sets=true&coverage=0.3", "0.5 to 0.99 in steps of 0.01, but got 0.3"),
        ("?coverage=0.9", "The parameter coverage is an option of prediction sets. Add sets=true."),
        ("?by_class=true", "The parameter by_class is an option of prediction sets"),
        ("?sets=true&by_class=2", "The parameter by_class must be true or false"),
    ],
)
def test_options_of_sets_that_are_not_valid_are_named(birds: TestClient, query: str, says: str) -> None:
    found = post(birds, [BIRD], query=query)
    assert (found.status_code, says in found.json()["detail"]) == (422, True), found.text


def test_a_model_without_sets_says_why_there_are_none(images: TestClient) -> None:
    found = post(images, [{"image": CODED[0]}], query="?sets=true")
    assert (found.status_code, "an older version of pcwat trained it" in found.json()["detail"]) == (422, True)

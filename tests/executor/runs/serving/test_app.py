"""The server's responses: predictions equal to `Run.predict`, errors that name column, row and remedy, and limits."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from executor.runs.export.predictor import Predictor, load_predictor
from executor.runs.run import Run
from executor.runs.serving.app import create_app
from executor.runs.serving.limits import Limits
from executor.runs.serving.service import Service
from executor.runtime.prediction_batches import MAX_ROWS
from recommender.cli.main import group
from rules.errors import PcwatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD_RUNS: Final = Path(__file__).parents[3] / "old_runs"
JSON: Final = {"content-type": "application/json"}
CSV: Final = {"content-type": "text/csv"}
LIMITS: Final = Limits(body_bytes=20_000, rows=300)
BIRD: Final = {"weight": 26.54, "length": None, "colour": "blue", "habitat": "wood"}


@pytest.fixture(scope="module")
def run() -> Run:
    return Run(OLD_RUNS / "classes" / "run")


def client_of(
    run: Run | Predictor, limits: Limits = LIMITS, *, outputs: np.ndarray | None = None, ignore_extra: bool = False
) -> TestClient:
    """A client of a server. outputs: what the model returns in every call; None for the model of the run."""

    def open_service(on_batch: Callable[[int], None]) -> Service:
        service = Service(run, on_batch=on_batch, ignore_extra=ignore_extra)
        service.load()
        if outputs is not None:
            service._outcome_of = lambda table: outputs[: len(table.rows)]
        return service

    return TestClient(create_app(open_service, limits))


def wait_until_ready(client: TestClient) -> None:
    while client.get("/ready").status_code != 200:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client(run: Run) -> Iterator[TestClient]:
    with client_of(run) as opened:
        wait_until_ready(opened)
        yield opened


@pytest.fixture(scope="module")
def quick(run: Run) -> Iterator[TestClient]:
    """A client of a server whose model gives every class the same probability, at once."""
    with client_of(run, outputs=np.full((MAX_ROWS, 3), 1 / 3)) as opened:
        wait_until_ready(opened)
        yield opened


@pytest.fixture(scope="module")
def forecasts() -> Iterator[TestClient]:
    with client_of(Run(OLD_RUNS / "forecast" / "run")) as opened:
        wait_until_ready(opened)
        yield opened


def post(client: TestClient, body: object, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/predict", content=content, headers=JSON | headers)


ROWS: Final[list[dict[str, object]]] = [
    BIRD,
    {"weight": None, "length": 10.26, "colour": "red", "habitat": "wood"},
    {"weight": 1e9, "length": -1, "colour": "never seen", "habitat": "NA"},
    {"weight": 30, "length": 12, "colour": None, "habitat": " town "},
]
TYPED: Final[list[dict[str, object]]] = [{**row, "weight": "12.5"} for row in ROWS]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], TYPED], ids=["plain", "one", "numbers as text"])
def test_predictions_are_those_of_run_predict(client: TestClient, run: Run, rows: list[dict[str, object]]) -> None:
    found = post(client, rows)
    assert found.status_code == 200, found.text
    assert found.json() == {
        "predictions": run.predict(pd.DataFrame(rows, dtype=object)).to_dict("records"),
        "warnings": [],
    }
    columns = post(client, {name: [row[name] for row in rows] for name in BIRD}).json()["predictions"]
    assert [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] == found.json()[
        "predictions"
    ]


def test_an_exported_model_is_served_with_its_own_predictions(client: TestClient, run: Run, tmp_path: Path) -> None:
    run.export(to="numpy", directory=tmp_path / "exported")
    predictor = load_predictor(tmp_path / "exported")
    with client_of(predictor) as exported:
        wait_until_ready(exported)
        found = post(exported, ROWS).json()["predictions"]
        assert found == predictor.predict(pd.DataFrame(ROWS, dtype=object)).to_dict("records")
        assert exported.get("/openapi.json").json() == client.get("/openapi.json").json()


def test_a_csv_body_gives_what_recommend_predict_writes(client: TestClient) -> None:
    path = OLD_RUNS / "classes" / "data.csv"
    found = client.post("/predict", content=path.read_bytes(), headers=CSV | {"accept": "text/csv"})
    printed = CliRunner().invoke(group, ["predict", str(OLD_RUNS / "classes" / "run"), str(path)])
    assert found.text == printed.stdout
    assert json.loads(found.headers["x-pcwat-warnings"]) == []


def test_requests_that_wait_are_one_model_call(client: TestClient, run: Run) -> None:
    def count(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    calls, rows = count("pcwat_batch_rows_count"), count("pcwat_rows_total")
    answers: dict[int, Any] = {}

    def ask(number: int) -> None:
        answers[number] = post(client, [{**BIRD, "weight": number}]).json()["predictions"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame = pd.DataFrame([{**BIRD, "weight": number} for number in range(12)])
    assert [answers[number][0] for number in range(12)] == run.predict(frame).to_dict("records")
    assert count("pcwat_batch_rows_count") - calls < 12
    assert count("pcwat_rows_total") - rows == 12


def test_a_forecast_takes_its_history_and_gives_intervals_and_warnings(forecasts: TestClient) -> None:
    history = (OLD_RUNS / "forecast" / "data.csv").read_bytes()
    run = Run(OLD_RUNS / "forecast" / "run")
    found = forecasts.post("/predict", content=history, headers=CSV).json()
    expected = run.predict(OLD_RUNS / "forecast" / "data.csv").to_pylist()
    assert found["predictions"] == [{**row, "month": row["month"].isoformat()} for row in expected]
    assert {"low", "high"} <= found["predictions"][0].keys()
    short = [{"month": f"2019-{month:02d}-01", "sold": 200.0 + month} for month in range(1, 13)]
    warnings = post(forecasts, short).json()["warnings"]
    (warning,) = warnings
    assert warning.startswith("The model reads 24 past steps, but the series has 12 rows; earlier values count as")
    refused = forecasts.post("/predict?quantiles=true", content=history, headers=CSV)
    assert (refused.status_code, "an older version of pcwat trained it" in refused.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{**BIRD, "weight": "heavy"}], "but the request has 'heavy' in row 1. Correct the value"),
        ([BIRD, {**BIRD, "length": 1e999}], "but the request has 'inf' in row 2. Correct the value"),
        ([{**BIRD, "colour": 7}], "Column 'colour' must hold words, as it did in training, but the request has '7' in"),
        ([{"weight": 1, "length": 2, "colour": "red"}], "the request lacks 'habitat'. Add or rename columns"),
        ([{**BIRD, "id": 7}], "the request also has 'id'. Remove them, ignore them with --ignore-extra"),
    ],
)
def test_rows_that_do_not_fit_the_model_are_422_with_the_words_of_predict(
    client: TestClient, run: Run, rows: list[dict[str, object]], says: str
) -> None:
    found = client.post("/predict", content=json.dumps(rows).replace("Infinity", "1e999"), headers=JSON)
    assert found.status_code == 422
    assert says in found.json()["detail"]
    with pytest.raises(PcwatError) as raised:
        run.predict(pd.DataFrame(rows, dtype=object))
    assert found.json()["detail"] == str(raised.value).replace("DataFrame", "the request")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "line 1 is not (expecting value, character 1)"),
        (b'[{"weight": 1,}]', "line 1 is not ("),
        (b"7", "The body must be a list of rows"),
        (b"[]", "but it has no rows"),
        (b"{}", "but it has no columns"),
        (b"[{}]", "row 1 has no columns"),
        (b"[1]", "row 1 is 1"),
        (b'{"weight": []}', "but it has no rows"),
        (b'{"weight": 1}', "but 'weight' is 1. Put a single row into a list"),
        (b'{"weight": [1], "length": [1, 2]}', "'weight' of the request has 1 and 'length' has 2"),
        (
            b'[{"weight": 1}, {"weigth": 1}]',
            "row 2 of the request lacks 'weight', which row 1 has. Is it called 'weigth'?",
        ),
        (b'[{"weight": 1}, {"weight": 1, "b": 2}]', "row 2 of the request also has 'b'"),
        (b'[{"weight": 1, "weight": 2}]', "'weight' occurs twice"),
        (b'[{"weight": NaN}]', "column 'weight' of the request has NaN or Infinity in row 1"),
        (b'{"weight": [1, -Infinity]}', "column 'weight' of the request has NaN or Infinity in row 2"),
        (b'[{"weight": [NaN]}]', "must be finite"),
        (b"[" * 100_00, "nested too deeply"),
        (b'[{"weight": ' + b"9" * 5_000 + b"}]", "at most 4,300 digits"),
        (b'[{"weight": "\xff"}]', "byte 14 is not"),
        (b'[{"weight": "\\ud800"}]', "half of a surrogate pair"),
        (b'[{"weight": {"a": 1}}]', "has {'a': 1} in row 1. Flatten it"),
        (json.dumps({"weight": [1] * 301}).encode(), "at most 300 rows, but this one has 301"),
        (json.dumps([{f"c{at}": 1 for at in range(1_500)}]).encode(), "the request lacks 'weight', 'length'"),
    ],
)
def test_a_body_that_has_no_valid_rows_is_422_and_says_where(quick: TestClient, body: bytes, says: str) -> None:
    found = post(quick, body)
    assert found.status_code == 422
    assert says in found.json()["detail"]
    assert "Traceback" not in found.text


@pytest.mark.parametrize(
    "value",
    ["\0", "a\0b", 10**400, -(10**30), 1e308, 2**63, "\x1b[31m", "'; DROP TABLE dataset; --", "x" * 5_000, True],
)
def test_no_value_ends_in_a_server_error(quick: TestClient, value: object) -> None:
    for name in ("weight", "colour"):
        found = post(quick, [{**BIRD, name: value}])
        assert found.status_code in {200, 422}, found.text
        assert name == "weight" or found.status_code == 200 or isinstance(value, int | float)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"weight\n",
        b"weight,weight\n1,2\n",
        b'weight,length,colour,habitat\n1,2,"red,wood\n',
        b"weight,length,colour,habitat\n1,2\n",
        b"weight,length,colour,habitat\n1,2,red,\xff\n",
        b"weight;length\n1;2\n",
        b"PAR1",
        b"weight,length,colour,habitat\n1,2,red,wood\n" + b"1,2,red,wood\n" * 300,
    ],
)
def test_a_csv_body_that_is_no_table_is_422_without_a_path_of_the_server(quick: TestClient, body: bytes) -> None:
    found = quick.post("/predict", content=body, headers=CSV)
    assert found.status_code == 422
    assert "/tmp" not in found.json()["detail"]  # noqa: S108
    assert "pcwat-" not in found.json()["detail"]


def test_paths_of_images_in_a_table_open_no_file_of_the_server(quick: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"not an image")
    body = f"weight,length,colour,habitat\n1,2,{secret},wood\n".encode()
    assert quick.post("/predict", content=body, headers=CSV).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json", "accept": "image/png"}, 406),
        ({"content-type": "application/json; charset=UTF-8", "accept": "text/html, */*;q=0.8"}, 200),
        ({"content-type": "application/json", "content-length": "9" * 30}, 413),
    ],
)
def test_headers_choose_the_format_or_are_refused(quick: TestClient, headers: dict[str, str], status: int) -> None:
    assert quick.post("/predict", content=json.dumps([BIRD]).encode(), headers=headers).status_code == status


def test_a_body_beyond_the_limit_is_413_with_and_without_a_declared_length(quick: TestClient) -> None:
    large = b" " * 20_001
    assert post(quick, large).status_code == 413
    streamed = quick.post("/predict", content=iter([large[:10_000], large[:10_001]]), headers=JSON)
    assert streamed.status_code == 413
    assert streamed.json()["detail"].startswith("A body may have at most 20,000 bytes.")


def test_unknown_paths_methods_and_parameters_are_named(quick: TestClient) -> None:
    assert quick.get("/predictions").json()["detail"].startswith("There is no path '/predictions'. Did you mean")
    assert quick.get("/predict").status_code == 405
    unknown = quick.post("/predict?keys=a", content=json.dumps([BIRD]), headers=JSON)
    assert (unknown.status_code, "Did you mean 'key'?" in unknown.json()["detail"]) == (422, True)


def test_a_key_is_copied_to_the_predictions(quick: TestClient) -> None:
    found = quick.post("/predict?key=id", content=json.dumps([{**BIRD, "id": "a<b>"}]), headers=JSON)
    assert [*found.json()["predictions"][0]][:2] == ["id", "prediction"]
    assert found.json()["predictions"][0]["id"] == "a<b>"


def test_extra_columns_are_ignored_if_the_server_ignores_them(run: Run) -> None:
    with client_of(run, ignore_extra=True, outputs=np.full((MAX_ROWS, 3), 1 / 3)) as client:
        wait_until_ready(client)
        assert post(client, [{**BIRD, "id": 7}]).json() == post(client, [BIRD]).json()
        assert post(client, [{**BIRD, "id": 7, "weight": "26.54"}]).json() == post(client, [BIRD]).json()


class Slow:
    """A service whose predictions never come, for tests of limits."""

    contents = ("application/json",)

    def __init__(self, service: Service) -> None:
        self.service = service

    async def predict_json(self, *_: object) -> None:
        await __import__("asyncio").sleep(60)

    def close(self) -> None:
        self.service.close()


def test_a_prediction_beyond_its_time_is_504_and_too_many_waiting_are_503(run: Run) -> None:
    client = TestClient(create_app(lambda _: Slow(Service(run)), Limits(seconds=0.05, waiting=1)))  # type: ignore[arg-type,return-value]
    with client:
        wait_until_ready(client)
        late = post(client, [BIRD])
        assert (late.status_code, "may take 0.05 s" in late.json()["detail"]) == (504, True)
        client.app.state.serving.waiting = 1  # type: ignore[attr-defined]
        full = post(client, [BIRD])
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")


def test_a_server_is_not_ready_while_the_model_loads(run: Run) -> None:
    may_load = threading.Event()

    def open_service(_: Callable[[int], None]) -> Service:
        may_load.wait()
        return Service(run)

    with TestClient(create_app(open_service, LIMITS)) as client:
        assert client.get("/health").json() == {"status": "ok"}
        for path in ("/ready", "/openapi.json"):
            assert client.get(path).status_code == 503
        assert post(client, [BIRD]).json()["detail"] == "The model is not loaded yet. Try again in a few seconds."
        assert "pcwat_ready 0.0" in client.get("/metrics").text
        may_load.set()
        wait_until_ready(client)


def test_the_schema_describes_columns_with_types_categories_and_an_example(quick: TestClient) -> None:
    found = quick.get("/openapi.json").json()
    row = found["components"]["schemas"]["Row"]
    assert row["required"] == ["weight", "length", "colour", "habitat"]
    assert row["properties"]["weight"]["type"] == ["number", "null"]
    assert "Categories of the training: &#x27;blue&#x27;, &#x27;red&#x27;" in row["properties"]["colour"]["description"]
    assert row["example"] == {"weight": 28.985, "length": 11.97, "colour": "blue", "habitat": "wood"}
    assert post(quick, [row["example"]]).status_code == 200


def test_metrics_have_no_text_of_requests(quick: TestClient) -> None:
    quick.get("/<script>")
    text = quick.get("/metrics").text
    assert "script" not in text
    assert 'pcwat_requests_total{path="other",status="404"}' in text


def test_csv_of_predictions_has_one_line_a_row(quick: TestClient) -> None:
    found = post(quick, ROWS, accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(found.text)))
    expected = post(quick, ROWS).json()["predictions"]
    assert [float(row["probability of wren"]) for row in rows] == [row["probability of wren"] for row in expected]
    assert np.shape(rows) == (4,)

"""Datasets of a PostgreSQL server and of a web server: recommended, audited and resumed, without a trace of secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from executor.pipeline.prepare import prepare, reopen
from executor.runs.plan import reopen_dataset
from executor.runs.report.reproduce import reproduce_command
from executor.runs.run import Run
from executor.runtime.budget import Budget
from recommender.cli.main import group, main
from recommender.dataset.address import parse_address
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import open_dataset
from rules.decision.request import Request
from rules.errors import ColumnError, DatasetError, RunError
from tests.effort import long_test
from tests.servers import postgres_server, web_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

SECRET = "S3cr3tPa55"  # noqa: S105  it must not appear
TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE types AS SELECT i AS id, (i * 1.25)::numeric(10, 2) AS price, i::float8 AS "Price", i::bigint AS big,
'ok'::mood AS mood, i % 2 = 0 AS flag, date '2024-01-01' + i AS day, timestamptz '2024-01-01 01:00+01' AS seen,
'ab'::char(4) AS code, inet '10.0.0.1' AS address, '5.5'::money AS fee, gen_random_uuid() AS u
FROM generate_series(1, 3) i;
CREATE TABLE bytes AS SELECT 1 AS y, '\\x00'::bytea AS b;
"""
CHURN = """
CREATE SCHEMA crm;
CREATE TABLE crm.churn (id int PRIMARY KEY, x float8, y text);
INSERT INTO crm.churn SELECT i, i * 0.5, CASE i % 3 WHEN 0 THEN 'yes' ELSE 'no' END FROM generate_series(90, 1, -1) i;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        execute(url, f"CREATE ROLE ann LOGIN SUPERUSER PASSWORD '{SECRET}'; {TYPES} {CHURN}")
        yield url


def execute(url: str, script: str) -> None:
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415  an extra

    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, script.split(";")):
            cursor.execute(statement)


def refused(url: str, **options: Any) -> str:
    with pytest.raises(DatasetError) as error:
        Dataset.open(url, **options)
    assert SECRET not in str(error.value)
    return str(error.value)


def with_password(server: str) -> str:
    return server.replace("admin@", f"ann:{SECRET}@")


def test_a_table_is_read_by_its_primary_key_with_its_types(server: str) -> None:
    with Dataset.open(f"{server}?table=crm.churn") as dataset:
        assert (dataset.name, dataset.stem, dataset.format, dataset.row_count) == ("crm.churn", "churn", "postgres", 90)
        assert dataset.connection.execute("SELECT id, x FROM dataset LIMIT 2").fetchall() == [(1, 0.5), (2, 1.0)]
        whole = dataset.digest
    with Dataset.open(server, table="crm.churn", missing=["no"]) as dataset:
        assert dataset.digest == whole
    with Dataset.open(f"{server}?query=SELECT+*+FROM+crm.churn+ORDER+BY+id;") as dataset:
        assert (dataset.name, dataset.digest) == ("query of postgres", whole)
    with Dataset.open(f"{server}?table=types") as dataset:
        assert dict(dataset.storage) == {
            "id": "INTEGER",
            "price": "DOUBLE",
            "Price_1": "DOUBLE",
            "big": "BIGINT",
            "mood": "VARCHAR",
            "flag": "BOOLEAN",
            "day": "DATE",
            "seen": "TIMESTAMP",
            "code": "VARCHAR",
            "address": "VARCHAR",
            "fee": "DOUBLE",
            "u": "UUID",
        }
        row = "SELECT price, mood, epoch(seen), code, address, fee FROM dataset LIMIT 1"
        assert dataset.connection.execute(row).fetchall() == [(1.25, "ok", 1_704_067_200.0, "ab", "10.0.0.1/32", 5.5)]
    with pytest.raises(ColumnError, match="'b' of bytes is of type BLOB"):
        Dataset.open(f"{server}?table=bytes")


def test_a_query_cannot_write(server: str) -> None:
    for query in ("DELETE FROM crm.churn RETURNING id", "SELECT 1) TO STDOUT; DROP TABLE crm.churn; --"):
        assert "cannot be read" in refused(f"{server}?query={query}")
    assert "must return rows" in refused(f"{server}?query=COMMIT")
    with Dataset.open(f"{server}?table=crm.churn") as dataset:
        assert dataset.row_count == 90


def test_a_failure_names_the_server_without_the_password(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Did you mean 'crm.churn'?" in refused(f"{server}?table=churn")
    assert "has 3: 'crm.churn', 'bytes', 'types'. Give one with --table" in refused(server)
    assert "already names a table" in refused(f"{server}?table=types", table="types")
    assert "Remove --delimiter" in refused(f"{server}?table=types", delimiter=";")
    assert "nodb" in refused(f"{with_password(server)[:-8]}nodb?table=t")
    assert "password authentication failed" in refused(f"{with_password(server).replace(SECRET, SECRET + 'x')}?table=t")
    assert "Set the password in PGPASSWORD or ~/.pgpass." in refused(server.replace("admin@", "ann@") + "?table=t")
    assert "Connection refused. Check the host and port" in refused(f"postgres://ann:{SECRET}@127.0.0.1:1/d?table=t")
    monkeypatch.setenv("PGPASSWORD", SECRET)
    with Dataset.open(server.replace("admin@", "ann@") + "?table=types") as dataset:
        assert dataset.row_count == 3


@dataclass(frozen=True, kw_only=True)
class Source:
    """A dataset with a secret in its URL."""

    url: str
    change: Callable[[], object]
    environment: dict[str, str]
    """With which the recorded address can be opened; a web server's cannot."""


@pytest.fixture(params=["database", "web"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    if request.param == "database":
        server = request.getfixturevalue("server")
        execute(server, "DROP TABLE IF EXISTS crm.own; CREATE TABLE crm.own AS SELECT * FROM crm.churn ORDER BY id")
        yield Source(
            url=f"{with_password(server)}?table=crm.own",
            change=lambda: execute(server, "UPDATE crm.own SET x = 7 WHERE id = 3"),
            environment={"PGPASSWORD": SECRET},
        )
        return
    pytest.importorskip("aiohttp")
    (tmp_path / "site").mkdir()
    table = tmp_path / "site" / "own.csv"
    table.write_text("x,y\n" + "".join(f"{row * 0.5},{'yes' if row % 3 else 'no'}\n" for row in range(90)))
    with web_server(tmp_path / "site") as url:
        yield Source(
            url=f"{url}/own.csv?X-Amz-Signature={SECRET}",
            change=lambda: table.write_text(table.read_text().replace("1.0,", "7,")),
            environment={},
        )


def assert_no_secret(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def audit(*words: object) -> Any:
    result = CliRunner().invoke(group, ["audit", *map(str, words), "--format", "json"])
    assert SECRET not in result.output
    return json.loads(result.stdout)


def dataset_check(*words: object) -> tuple[str, str]:
    found = next(check for check in audit("verify", *words) if check["what"] == "dataset")
    return found["status"], found["detail"]


def test_a_run_is_verified_replayed_and_resumed_without_a_trace_of_the_secret(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, request = tmp_path / "run", Request(target="y")
    with open_dataset(source.url, request) as dataset:
        prepare(dataset, request, budget=Budget(trials=2), directory=run)
        digest = dataset.digest
    assert_no_secret(run)
    plan = json.loads((run / "plan.json").read_bytes())
    assert plan["dataset"] == str(parse_address(source.url))
    for name, value in source.environment.items():
        monkeypatch.setenv(name, value)
    address = parse_address(source.url)
    given, data = ["--data", source.url], address
    assert dataset_check(run, *given) == ("intact", str(address))
    assert audit("replay", run, *given)["measured"].endswith("which is unchanged")
    with reopen(run, data=data).dataset as again:
        assert again.digest == digest
    status, detail = dataset_check(run)  # a record may be another person's
    assert (status, "not opened unless you name it. Give it with --data" in detail) == ("unchecked", True)
    assert "not opened unless you name it" in audit("replay", run)["measured"]
    with pytest.raises(DatasetError, match="as the DATASET of 'train --resume'"):
        reopen(run)
    source.change()
    assert dataset_check(run, *given)[0] == "altered"
    with pytest.raises(RunError, match="has changed since") as error:
        reopen(run, data=data)
    assert SECRET not in str(error.value)
    assert_no_secret(run)


def output_of(words: Sequence[object], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.argv", ["recommend", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capfd.readouterr()
    assert SECRET not in out + err
    return f"{end.value.code} {out}{err}"


@pytest.mark.parametrize("source", ["web", pytest.param("database", marks=long_test)], indirect=True)
def test_commands_print_no_secret(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle, record = tmp_path / "bundle.yaml", tmp_path / "record.json"
    written = output_of([source.url, "--target", "y", "-o", bundle, "--record", record], monkeypatch, capfd)
    assert f"recommend train {parse_address(source.url)}" in written.replace("'", "")
    assert SECRET not in bundle.read_text() + record.read_text()
    assert output_of([source.url, source.url], monkeypatch, capfd).startswith("2 ")
    assert output_of([source.url, "--target", "z"], monkeypatch, capfd).startswith("2 ")
    assert output_of(["train", source.url, "--after", source.url, "--target", "y"], monkeypatch, capfd).startswith("2 ")


@long_test
def test_a_finished_training_has_no_trace_of_the_secret(source: Source, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["train", source.url, "--target", "y", "--trials", "1", "--budget", "40s", "-o", str(out)]
    trained = CliRunner().invoke(group, words)
    assert trained.exit_code == 0, trained.output
    predicted = CliRunner().invoke(group, ["predict", str(out), source.url, "-o", str(tmp_path / "p.csv")])
    assert predicted.exit_code == 0, predicted.output
    assert SECRET not in trained.output + predicted.output
    assert_no_secret(out)
    run = Run(out)
    assert str(parse_address(source.url)).split("?")[0] in reproduce_command(run)
    found, why = reopen_dataset(run.plan, must=False)
    assert found is None
    assert SECRET not in why

"""Files of a web server and of S3, whose server is moto."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from recommender.dataset.address import RemoteFile, parse_address
from recommender.dataset.dataset import Dataset
from recommender.dataset.digest import digest_of
from recommender.dataset.readers import remote
from recommender.dataset.readers.remote import local_copy
from rules.errors import DatasetError
from tests.effort import long_test
from tests.servers import web_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = "x,y\n" + "".join(f"{row},{row % 2}\n" for row in range(40))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    folder = tmp_path_factory.mktemp("site")
    (folder / "a b.csv").write_text(ROWS, encoding="utf-8")
    (folder / "export").write_text(ROWS, encoding="utf-8")
    (folder / "page.csv").write_text("\n<!doctype HTML>\n<html><body>Log in, please</body></html>", encoding="utf-8")
    (folder / "bad.parquet").write_bytes(b"PAR1 damaged")
    (folder / "paths.csv").write_text("image,y\n/etc/hostname.png,1\n/etc/passwd.png,0\n", encoding="utf-8")
    with web_server(folder) as url:
        yield url


def refused(url: str) -> str:
    with pytest.raises(DatasetError) as error:
        Dataset.open(url)
    assert "S3cr3t" not in str(error.value)
    return str(error.value)


def test_a_file_of_a_web_server_has_the_digest_of_the_file(site: str, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(ROWS, encoding="utf-8")
    with Dataset.open(f"{site}/a b.csv?format=csv") as dataset:
        assert (dataset.name, dataset.stem, dataset.row_count) == ("a b.csv", "a b", 40)
        assert dataset.digest == f"sha256:{digest_of(tmp_path / 'own.csv')}"
        assert str(dataset.address) == f"{site}/a%20b.csv?format=csv"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/none.csv", "There is no file {}. Correct the URL."),
        ("/*.csv", "There is no file {}. Web servers do not list their files"),
        ("/denied.csv?token=S3cr3t", "Access to {} was denied. Use a URL whose signature or token is valid"),
        ("/broken.csv?token=S3cr3t", "The server of {} answered with status 500."),
        ("/short.csv", "The connection ended before all bytes of {} had arrived."),
        ("/silent.csv", "The server of {} did not answer in time."),
        ("/bad.parquet?sig=S3cr3t", "The Parquet file {} is truncated or damaged"),
        ("/page.csv?token=S3cr3t", "{} is an HTML page, not a dataset. Use the URL of the file itself"),
        ("/a b.csv?token=***", "{} was recorded without its secrets"),
    ],
)
def test_a_failure_is_one_sentence_about_the_url(
    site: str, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "READ_SECONDS", 0.3 if path == "/silent.csv" else 60)
    assert why.format(parse_address(site + path)) in refused(site + path)


def test_the_media_type_tells_the_format_of_a_url_without_an_extension(site: str) -> None:
    with Dataset.open(f"{site}/export?format=csv") as dataset:
        assert (dataset.name, dataset.row_count) == ("export.csv", 40)


def test_a_server_that_cannot_be_reached_is_reported(site: str) -> None:
    del site
    assert "cannot be reached. Check the host" in refused("http://127.0.0.1:1/x.csv?token=S3cr3t")


def test_a_download_is_limited_and_its_copy_is_removed(site: str) -> None:
    address = parse_address(f"{site}/a b.csv")
    assert isinstance(address, RemoteFile)
    with local_copy(address) as path:
        assert path.read_text(encoding="utf-8") == ROWS
    assert not path.parent.exists()
    with (
        pytest.raises(DatasetError, match=r"at most 100 bytes, but .*a%20b\.csv has .* Download it"),
        local_copy(address, most=100),
    ):
        pass


def test_a_remote_table_does_not_open_files_of_this_machine(site: str) -> None:
    with Dataset.open(f"{site}/paths.csv") as dataset:
        assert dataset.images is None
        assert dataset.storage["image"] == "VARCHAR"


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert refused("s3://b/x.csv").endswith("pip install 'pcwat[remote]'.")
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    assert refused("postgres://h/d?table=t").endswith("pip install 'pcwat[postgres]'.")


@pytest.fixture(scope="module")
def lake() -> Iterator[str]:
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    login = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "b")
    store = pytest.importorskip("boto3").client("s3", endpoint_url=url, region_name="us-east-1", **login)
    store.create_bucket(Bucket="lake")
    for part in (1, 2):
        store.put_object(Bucket="lake", Key=f"d/part={part}/rows.csv", Body=ROWS.encode())
    yield url
    store.close()
    server.stop()


@long_test
def test_a_file_and_a_pattern_of_s3_have_the_digests_of_the_files(
    lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"ENDPOINT_URL": lake, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}
    for name, value in own.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for part in (1, 2):
        (tmp_path / "d" / f"part={part}").mkdir(parents=True)
        (tmp_path / "d" / f"part={part}" / "rows.csv").write_text(ROWS, encoding="utf-8")
    with Dataset.open("s3://lake/d/part=1/rows.csv") as one:
        assert one.digest == f"sha256:{digest_of(tmp_path / 'd' / 'part=1' / 'rows.csv')}"
    for pattern in ("*/*.csv", "part=*"):
        with Dataset.open(f"s3://lake/d/{pattern}") as many, Dataset.open(tmp_path / "d" / pattern) as local:
            assert many.columns == ("x", "y", "part")
            assert (many.digest, many.row_count, many.name) == (local.digest, 80, local.name)
    assert "matches none" in refused("s3://lake/q*.csv")
    assert "a folder is given as a pattern" in refused("s3://lake/d")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "cannot be reached" in refused("s3://lake/d/part=1/rows.csv")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "was denied. Set AWS_ACCESS_KEY_ID" in refused("s3://lake/d/part=1/rows.csv")

from __future__ import annotations

from pathlib import Path

import pytest

from recommender.dataset.address import (
    DatabaseTable,
    LocalPath,
    RemoteFile,
    parse_address,
    recorded,
    without_secrets,
)
from rules.errors import DatasetError

SECRET = "S3cr3t"  # noqa: S105  it must not appear


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f"postgres://ann:{SECRET}@db:5432/shop?table=s.orders", "postgres://ann@db:5432/shop?table=s.orders"),
        (f"postgres://ann:p@{SECRET}#x@db/shop", "postgres://ann@db/shop"),
        (f"postgresql://db/shop?password={SECRET}&sslmode=require", "postgresql://db/shop?sslmode=require"),
        (f"postgres://ann:{SECRET}%2F@db/a%20b?query=SELECT+1", "postgres://ann@db/a%20b?query=SELECT%201"),
        (f"https://h/r.csv?X-Amz-Signature={SECRET}&v=2", "https://h/r.csv?X-Amz-Signature=***&v=***"),
        (f"https://ann:{SECRET}@h/r.csv", "https://***@h/r.csv"),
        (f"https://h/r.csv?id={SECRET * 5}&format=csv", "https://h/r.csv?id=***&format=csv"),
        (f"https://h/r.csv?{SECRET}", "https://h/r.csv?***"),
        (f"https://h/r.csv#{SECRET}", "https://h/r.csv"),
        ("https://h/a b.csv?page=2", "https://h/a%20b.csv?page=2"),
        ("hf://datasets/o/n@main/r.parquet", "hf://datasets/o/n@main/r.parquet"),
    ],
)
def test_the_text_of_an_address_has_no_secret_and_is_an_address_again(given: str, shown: str) -> None:
    address = parse_address(given)
    assert str(address) == recorded(address) == shown
    assert SECRET not in repr(address)
    assert str(parse_address(shown)) == shown


def test_a_database_gets_the_password_and_a_web_server_the_complete_url() -> None:
    table = parse_address("postgres://ann:p%2Fa@h/d?table=t&sslmode=require")
    assert isinstance(table, DatabaseTable)
    assert table.uri == "postgresql://ann:p%2Fa@h/d?sslmode=require"
    assert (table.table, table.query, table.secrets) == ("t", None, ("p/a",))
    file = parse_address("https://ann:b@h/r.csv?token=x")
    assert isinstance(file, RemoteFile)
    assert (file.url, file.name, file.omitted) == ("https://ann:b@h/r.csv?token=x", "r.csv", False)
    again = parse_address(str(file))
    assert isinstance(again, RemoteFile)
    assert again.omitted


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (f"postgres://ann:{SECRET}/x@h/d?table=t", "percent-encoded"),
        (f"postgres://ann:{SECRET}?x@h/d?table=t", "percent-encoded"),
        (f"postgres://ann:{SECRET}%zz@h/d?table=t", "percent-encoded"),
        (f"postgres://ann:{SECRET}", "host or port"),
        (f"postgres://ann:{SECRET}@h/d?tabel=t", "Did you mean 'table'?"),
        (f"postgres://ann:{SECRET}@h/d?table=t&query=SELECT", "got both"),
        (f"postgres://ann:{SECRET}@h/d?table=", "must not be empty"),
        (f"https://ann:{SECRET}/x@h/r.csv", "host or port is not valid"),
        (f"https://h:65536/r.csv?token={SECRET}", "host or port is not valid"),
        (f"s3://ann:{SECRET}@bucket/r.csv", "without a user and a password"),
        ("s3://bucket", "s3://BUCKET/FILE"),
        (f"mysql://ann:{SECRET}@h/d", "must start with https://"),
        (Path(f"postgres://ann:{SECRET}@h/d"), "two slashes"),
        (" ", "the path is empty"),
    ],
)
def test_an_invalid_address_is_refused_without_its_secret(given: str | Path, why: str) -> None:
    with pytest.raises(DatasetError) as error:
        parse_address(given)
    assert why in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://ann:{SECRET}@h/d",
        f"postgres:/ann:a b/{SECRET}@h/d",
        f"postgres://h:5432/d?password={SECRET}",
        f"mysql://ann:{SECRET}@h",
        f"https://h/r.csv?sig={SECRET}&x=1",
        f"https:/ann:a/{SECRET}@h/r.csv",
    ],
)
def test_a_message_loses_the_secrets_of_its_urls(url: str) -> None:
    assert SECRET not in without_secrets(f"Got unexpected extra argument ({url})")


@pytest.mark.parametrize("text", ["C:/rows.csv", "write to a@b.org", "postgres://h:5432/d: mail a@b.org", "x?token=1"])
def test_other_messages_are_unchanged(text: str) -> None:
    assert without_secrets(text) == text


def test_a_path_is_local_also_if_it_looks_like_a_url(tmp_path: Path) -> None:
    assert parse_address("rows.csv") == parse_address(Path("rows.csv")) == LocalPath(path=Path("rows.csv"))
    assert isinstance(parse_address(tmp_path / "https://h"), LocalPath)
    assert recorded(parse_address("rows.csv")) == str(Path("rows.csv").resolve())
    assert recorded(None) is None


def test_a_message_keeps_its_punctuation_after_a_url() -> None:
    assert without_secrets("start with https://, http:// or s3://, but") == "start with https://, http:// or s3://, but"
    assert without_secrets(f"no file http://h:1/r.csv?token={SECRET}. Correct the URL.") == (
        "no file http://h:1/r.csv?token=***. Correct the URL."
    )

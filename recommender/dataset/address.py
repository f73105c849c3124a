"""Addresses of datasets: a local path, a table of a database, or remote files; secrets are never part of their text."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from rules.errors import DatasetError, did_you_mean

POSTGRES: Final = ("postgres", "postgresql")
WEB: Final = ("https", "http")
STORES: Final = ("s3", "gs", "hf")
"""Schemes whose files can be listed, so that patterns are possible; their credentials are never in the URL."""
OMITTED: Final = "***"
"""Replaces a secret in the text of an address."""
URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # RFC 3986, 3.1
CUT_URL: Final = re.compile(rf"({'|'.join((*POSTGRES, *WEB, *STORES))}):/(?!/)", re.IGNORECASE)
PORT_NUMBER: Final = r"[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
HOST: Final = re.compile(rf"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._%-]*)(:({PORT_NUMBER}))?")
WRONG_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
SECRET_NAME: Final = re.compile(
    r"token|secret|key|sig|pass|pwd|^pw$|auth|access|cred|session|code|ticket|jwt|hmac|policy|^x-|^s[epv]$",
    re.IGNORECASE,
)
"""Part of the name of a query parameter that may be secret, as in X-Amz-Signature; sp, se and sv are Azure's."""
MAX_PLAIN: Final = 24  # characters of a query parameter that is kept; tokens and UUIDs are longer
LIBPQ_SECRETS: Final = ("password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret")
LIBPQ: Final = (
    *LIBPQ_SECRETS,
    *("host", "hostaddr", "port", "dbname", "user", "passfile", "require_auth", "channel_binding", "connect_timeout"),
    *("client_encoding", "options", "application_name", "fallback_application_name", "keepalives", "keepalives_idle"),
    *("keepalives_interval", "keepalives_count", "tcp_user_timeout", "gssencmode", "sslmode", "sslnegotiation", "ssl"),
    *("sslcompression", "sslcert", "sslkey", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni"),
    *("requirepeer", "ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib", "gssdelegation"),
    *("service", "target_session_attrs", "load_balance_hosts", "min_protocol_version", "max_protocol_version"),
)
"""Parameters of a connection (PostgreSQL documentation, libpq, 34.1.2)."""
SUPPORTED: Final = "https://, http://, s3://, gs://, hf://datasets/ or postgres://"


@dataclass(frozen=True, kw_only=True)
class LocalPath:
    """A file, a folder, or a pattern of files on this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, kw_only=True)
class DatabaseTable:
    """A table, or the rows of a query, of a PostgreSQL server."""

    text: str
    """The URL without passwords."""
    uri: str = field(repr=False)
    """The URL of the server for libpq, with passwords."""
    database: str
    table: str | None
    query: str | None
    secrets: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file on a web server, or a file or pattern of files in a store."""

    text: str
    """The URL with *** in place of secrets."""
    url: str = field(repr=False)
    """The complete URL."""
    scheme: str

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        """Last part of the path, as the name of a file."""
        path = urlsplit(self.url).path if self.scheme in WEB else self.url
        name = re.sub(r"[\x00-\x1f/\\]", "_", unquote(PurePosixPath(path).name))
        return "dataset" if name.strip(".") == "" else name

    @property
    def omitted(self) -> bool:
        """Whether the URL lacks secrets, since it was recorded without them."""
        return self.scheme in WEB and re.search(r"(//|[=?&])\*\*\*(@|&|$)", self.url) is not None

    @property
    def is_pattern(self) -> bool:
        return self.scheme in STORES and glob.has_magic(self.url)


DatasetAddress = LocalPath | DatabaseTable | RemoteFile


def parse_address(source: str | os.PathLike[str]) -> DatasetAddress:
    """Read the address of a dataset; a leading "~" is the home folder, unless there is a file of that name.

    Raises DatasetError if it is empty or not valid; the message contains no secrets.

    >>> print(parse_address("postgres://ann:pa55@db/shop?table=orders"))
    postgres://ann@db/shop?table=orders
    >>> print(parse_address("https://data.example/rows.csv?format=csv&token=abc"))
    https://data.example/rows.csv?format=***&token=***
    """
    text = os.fspath(source)
    if not text.strip():
        raise DatasetError("The dataset must be the path of a file with a table, but the path is empty.")
    if isinstance(source, str) and URL.match(text):
        return _parse_url(text.strip())
    path = Path(text)
    if CUT_URL.match(text) and not os.path.lexists(path):
        raise DatasetError(
            "A URL has two slashes after its scheme, but the dataset's has one. Write both; in Python, give the URL as "
            "text, since pathlib.Path removes one."
        )
    try:
        if text.startswith("~") and not os.path.lexists(path):
            path = path.expanduser()
    except RuntimeError:  # there is no such user
        pass
    return LocalPath(path=path)


def address_of(data: object) -> DatasetAddress | None:
    """Address of a dataset that is given as an address, a path or a URL; None for a table in memory."""
    if isinstance(data, DatasetAddress):
        return data
    return parse_address(data) if isinstance(data, str | os.PathLike) else None


def reopened(text: str | None) -> DatasetAddress | None:
    """Address in a record or a plan; None for a table in memory.

    Raises DatasetError on a URL: the record may be another person's, and the server would see credentials.
    """
    address = None if text is None else parse_address(text)
    if isinstance(address, DatabaseTable | RemoteFile):
        raise DatasetError(
            f"{address} is a URL, and a recorded one is not opened unless you name it. Give it with --data for "
            "'audit', and as the DATASET of 'train --resume'."
        )
    return address


def recorded(address: DatasetAddress | None) -> str | None:
    """Text of an address in records and plans, without secrets; paths are absolute."""
    return str(address.path.resolve()) if isinstance(address, LocalPath) else None if address is None else str(address)


def without_secrets(text: str) -> str:
    """A message without the passwords, signatures and tokens of the URLs in it.

    >>> without_secrets("Got unexpected extra argument (postgres://ann:pa55@db/shop?table=orders)")
    'Got unexpected extra argument (postgres://ann@db/shop?table=orders)'
    >>> without_secrets("no file https:/data.example/rows.csv?sig=abc")
    'no file https://data.example/rows.csv?sig=***'
    """
    return WEB_URL.sub(_shown_url, PARAMETER.sub(rf"\1{OMITTED}", PASSWORD.sub(r"\1@", text)))


PORT: Final = r":[0-9]{1,5}(?:[/?,)\s]|$)"
PASSWORD: Final = re.compile(
    rf"(\b(?!hf:|https?:)[a-z][a-z0-9+.-]+:/{{1,2}}[^/?#\s:@]*)(?!{PORT}):.*@", re.IGNORECASE | re.DOTALL
)
PARAMETER: Final = re.compile(rf"([?&](?:{'|'.join(LIBPQ_SECRETS)})=)[^&\s]*", re.IGNORECASE)
WEB_URL: Final = re.compile(
    r"\b(https?):/{1,3}([^\s'\"<>),.;/][^\s'\"<>)]*?)(?=[.,;:]?(?:[\s'\"<>)]|$))", re.IGNORECASE
)
"""The URL of a web server, without the punctuation after it."""


def _shown_url(found: re.Match[str]) -> str:
    try:
        return f"{found[1]}://{_web(found[2])[0]}"
    except DatasetError:
        return f"{found[1]}://{OMITTED}"


def _parse_url(text: str) -> DatabaseTable | RemoteFile:
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme in POSTGRES:
        return _parse_database(scheme, rest)
    if scheme in WEB:
        shown, complete = _web(rest)
        return RemoteFile(text=f"{scheme}://{shown}", url=f"{scheme}://{complete}", scheme=scheme)
    if scheme not in STORES:
        raise DatasetError(
            f"The URL of a dataset must start with {SUPPORTED}, but it starts with {scheme}://. Download the dataset "
            "and give the path of its file."
        )
    place, _, path = rest.partition("/")
    if "@" in place or not (place and path):
        raise DatasetError(
            f"A {scheme}:// URL must be {scheme}://{'datasets/OWNER/NAME' if scheme == 'hf' else 'BUCKET'}/FILE, "
            "without a user and a password. Correct it; credentials come from the environment."
        )
    return RemoteFile(text=f"{scheme}://{rest}", url=f"{scheme}://{rest}", scheme=scheme)


def _web(rest: str) -> tuple[str, str]:
    """A URL of a web server without its scheme: as text without secrets, and complete.

    The user and the values of query parameters are omitted where they may be secret: all of them, if any parameter has
    the name of a secret, since they then belong to the signature. Raises DatasetError if it has no valid server.
    """
    rest = quote(rest.partition("#")[0], safe="%/:?[]@!$&'()*+,;=~-._")
    place, mark, query = rest.partition("?")
    server, slash, path = place.partition("/")
    login, at, host = server.rpartition("@")
    if HOST.fullmatch(host) is None or host[:1] in {"", ":"}:
        raise DatasetError(
            "A URL must be https://HOST/FILE or http://HOST/FILE, but its host or port is not valid. A character "
            "such as @, /, ? or # in a password is written as %40, %2F, %3F or %23."
        )
    items = [item.partition("=") for item in query.split("&")] if query else []
    is_signed = bool(login) or any(SECRET_NAME.search(unquote(name)) for name, _, _ in items)
    kept = [
        f"{name}={OMITTED if is_signed or len(value) > MAX_PLAIN else value}" if equals else OMITTED
        for name, equals, value in items
    ]
    return f"{OMITTED + at if at else ''}{host}{slash}{path}{mark}{'&'.join(kept)}", rest


def _parse_database(scheme: str, rest: str) -> DatabaseTable:
    """Read the URL of a PostgreSQL server, with libpq's parameters, and `table` or `query`.

    No part of an invalid URL is quoted in an error, since it may be part of a password.
    """
    place, _, listed = rest.partition("?")
    authority, _, database = place.partition("/")
    login, at, hosts = authority.rpartition("@")
    items = [
        (name, _sql(value) if name == "query" else _decoded(value))
        for name, _, value in (item.partition("=") for item in listed.split("&") if item)
    ]
    if "@" in database or any("@" in name for name, _ in items) or "/" in database:
        raise _badly_encoded()
    if any(HOST.fullmatch(host) is None for host in hosts.split(",")):
        raise DatasetError(
            "The URL of a PostgreSQL table must be postgres://USER@HOST:PORT/DATABASE?table=NAME, but its host or port "
            "is not valid. A character such as @, /, ? or # in a password is written as %40, %2F, %3F or %23."
        )
    user, colon, password = login.partition(":")
    own = {name: value for name, value in items if name in {"table", "query"}}
    server = [(name, value) for name, value in items if name not in own]
    for name, _ in server:
        if name not in LIBPQ:
            raise DatasetError(
                f"The parameters of a PostgreSQL URL must be table, query, or those of a connection such as sslmode, "
                f"but got {name!r}.{did_you_mean(name, ('table', 'query', *LIBPQ))}"
            )
    if len(own) > 1:
        raise DatasetError("The URL of a PostgreSQL dataset names a table or a query, but got both. Leave one out.")
    if any(not value.strip() for value in own.values()):
        raise DatasetError("The table or query of a PostgreSQL URL must not be empty. Add its name after table=.")
    secrets = [_decoded(password)] if colon else []
    secrets += [value for name, value in server if name in LIBPQ_SECRETS]
    public = [(name, value) for name, value in server if name not in LIBPQ_SECRETS]
    name = quote(_decoded(user), safe="")
    shown = f"{scheme}://{name}{at}{hosts}/{quote(_decoded(database), safe='')}"
    login = f"{name}:{quote(_decoded(password), safe='')}" if colon else name
    return DatabaseTable(
        text=shown + _joined([*public, *own.items()]),
        uri=f"postgresql://{login}{at}{hosts}/{quote(_decoded(database), safe='')}{_joined(server)}",
        database=_decoded(database) or dict(server).get("dbname") or _decoded(user) or scheme,
        table=own.get("table"),
        query=own.get("query"),
        secrets=tuple(secret for secret in secrets if secret),
    )


def _joined(items: list[tuple[str, str]]) -> str:
    return "".join(
        f"{'&' if place else '?'}{name}={quote(value, safe='.,()*')}" for place, (name, value) in enumerate(items)
    )


def _decoded(value: str) -> str:
    """A percent-encoded value."""
    if WRONG_ESCAPE.search(value):
        raise _badly_encoded()
    return unquote(value)


def _sql(query: str) -> str:
    """An encoded query; a + is a space if there are no other spaces, as forms encode it.

    >>> _sql("SELECT+1%2B1"), _sql("SELECT 1+1"), _sql("SELECT%201+1")
    ('SELECT 1+1', 'SELECT 1+1', 'SELECT 1+1')
    """
    return _decoded(query if " " in unquote(query) else query.replace("+", " "))


def _badly_encoded() -> DatasetError:
    return DatasetError(
        "The parts of a PostgreSQL URL must be percent-encoded, but one is not. Write characters such as @, /, ? and % "
        "in a password, a name or a query as %40, %2F, %3F and %25, or set the password in PGPASSWORD."
    )

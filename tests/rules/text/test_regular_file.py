"""Only regular files are opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from rules.text.regular_file import NotRegularError, is_there, open_regular, read_regular


def test_the_bytes_of_a_regular_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"ab")
    assert read_regular(path) == b"ab"


def test_a_pipe_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegularError, match="it is a named pipe, not a regular file"):
        open_regular(tmp_path / "pipe")


def test_a_link_to_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with pytest.raises(NotRegularError, match="it is a device"):
        open_regular(tmp_path / "zero.csv")


def test_a_socket_and_a_directory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as own:
        own.bind("socket")
        with pytest.raises(NotRegularError, match="it is a socket"):
            open_regular(Path("socket"))
    with pytest.raises(NotRegularError, match="it is a directory"):
        open_regular(tmp_path)


def test_a_name_that_is_too_long_names_nothing(tmp_path: Path) -> None:
    assert is_there(tmp_path)
    assert not is_there(tmp_path / ("a" * 300))

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from rules.errors import PcwatError, RunError
from rules.text.files import atomic_path, refuse_existing_output, refuse_input_as_output, write_text

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    path.write_text("old", encoding="utf-8")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("ne", encoding="utf-8")
            assert path.read_text(encoding="utf-8") == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "there.yaml", tmp_path / "link.yaml"
    path.write_text("old", encoding="utf-8")
    link.symlink_to(path)
    write_text(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("name", ["x" * 300, "none/bundle.yaml", "folder", "a\0b"])
def test_what_cannot_be_written_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="Cannot write"):
        write_text(tmp_path / name, "text", error=RunError)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_device_is_written_to_directly() -> None:
    from pathlib import Path  # noqa: PLC0415  at the top it is for types only

    write_text(Path("/dev/null"), "text")
    with pytest.raises(PcwatError, match="Cannot write /dev/full: No space left on device"):
        write_text(Path("/dev/full"), "text")


def test_names_that_are_too_long_are_no_existing_files(tmp_path: Path) -> None:
    refuse_existing_output(tmp_path / ("x" * 300), force=False)
    refuse_input_as_output(tmp_path / ("x" * 300), [tmp_path / ("y" * 300)])

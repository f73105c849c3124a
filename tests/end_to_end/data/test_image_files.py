"""From image files, in folders, archives and tables of paths, to a model and its answers."""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from executor import train
from recommender.cli.main import group
from rules.decision.request import ImageReading
from rules.errors import DatasetError
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path

    from executor.runs.run import Run

IMAGES = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 digits as PNG in folders of their classes, some of them twice as large, and one that is cut off."""
    root = tmp_path_factory.mktemp("digits")
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))[:IMAGES]
    for number, at in enumerate(order):
        place = root / str(digits.target[at])
        place.mkdir(exist_ok=True)
        image = Image.fromarray((digits.images[at] * 15).astype(np.uint8))
        if number % 10 == 0:
            image = image.resize((16, 16))
        image.save(place / f"{number:03d}.png")
    (root / "3" / "broken.png").write_bytes((root / "3" / next((root / "3").iterdir()).name).read_bytes()[:60])
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one trial; tests must not change it."""
    directory = tmp_path_factory.mktemp("runs") / "digits"
    return train(folder, trials=1, directory=directory, images=ImageReading(unreadable="leave_out"))


def test_a_file_that_cannot_be_read_is_named_unless_it_is_to_be_left_out(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"1 file of .* is not: '3/broken\.png' .* --unreadable-images leave-out"):
        train(folder, trials=1)


def test_a_folder_of_class_folders_is_learned_and_says_what_was_done_to_its_files(run: Run) -> None:
    assert run.record.request.images == ImageReading(unreadable="leave_out")
    assert run.record.facts["modality"].value == "image"
    done = {one.name: one.message for one in run.guardrails if one.status == "done"}
    assert done["unreadable_images"].startswith("1 unreadable image file was skipped")
    assert done["image_sizes"].startswith("30 images of 2 sizes were resized to 8 x 8 pixels (the median size")
    assert run.scores.hold_out.value > 0.8
    assert set(run.scores.baselines) == {"constant", "linear", "nearest neighbours"}
    judged = next(csv.DictReader((run.directory / "predictions.csv").read_text(encoding="utf-8").splitlines()))
    assert judged["file"].startswith(f"{judged['truth']}/")


def test_digits_differ_from_their_mirror_images(run: Run) -> None:
    assert run.record.facts["mirror_agreement"].value < 0.9


def test_a_run_on_files_is_verified_until_one_of_them_changes(run: Run, folder: Path) -> None:
    def verified() -> str:
        return CliRunner().invoke(group, ["audit", "verify", str(run.directory)]).output

    assert "intact" in verified()
    assert "altered" not in verified()
    path = min((folder / "5").iterdir())
    before = path.read_bytes()
    path.write_bytes(min((folder / "6").iterdir()).read_bytes())
    try:
        assert "altered" in verified()
    finally:
        path.write_bytes(before)


def answers(run: Run, rows: Path, *options: str) -> list[dict[str, str]]:
    result = CliRunner().invoke(group, ["predict", str(run.directory), str(rows), *options])
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_the_same_images_get_the_same_answers_in_a_folder_an_archive_and_a_table(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    paths = sorted((folder / "7").iterdir())[:5]
    flat = tmp_path / "new"
    flat.mkdir()
    for path in paths:
        (flat / path.name).write_bytes(path.read_bytes())
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive, tarfile.open(tmp_path / "new.tar.gz", "w:gz") as tar:
        for path in paths:
            archive.write(path, path.name)
            tar.add(path, path.name)
    table = tmp_path / "new.csv"
    table.write_text("picture\n" + "".join(f"{path}\n" for path in paths), encoding="utf-8")
    found = [answers(run, rows) for rows in (flat, tmp_path / "new.zip", tmp_path / "new.tar.gz", table)]
    assert [row["file"] for row in found[0]] == [path.name for path in paths]
    assert [row["file"] for row in found[3]] == [str(path) for path in paths]
    for rows in found[1:]:
        assert [row["probability of 7"] for row in rows] == [row["probability of 7"] for row in found[0]]


def test_new_files_that_cannot_be_read_are_refused_or_left_out(run: Run, folder: Path) -> None:
    result = CliRunner().invoke(group, ["predict", str(run.directory), str(folder / "3")])
    assert isinstance(result.exception, DatasetError)
    found = answers(run, folder / "3", "--unreadable-images", "leave-out")
    assert "broken.png" not in {row["file"] for row in found}


@long_test
def test_a_number_is_learned_from_images_in_a_table_of_paths(folder: Path, tmp_path: Path) -> None:
    """The brightness of an image, which a network of one pooled layer must find."""
    rows = [
        (path, np.asarray(Image.open(path)).mean()) for path in sorted(folder.glob("*/*.png")) if path.stem != "broken"
    ]
    table = tmp_path / "brightness.csv"
    lines = "".join(f"{path},{value + 0.5:.2f}\n" for path, value in rows)
    table.write_text(f"path,brightness\n{lines}", encoding="utf-8")
    found = train(table, target="brightness", trials=1, directory=tmp_path / "run")
    assert found.record.dataset.kinds == {"path": "image", "brightness": "numeric"}
    assert found.scores.metric == "rmse"
    assert found.scores.hold_out.value < 0.6 * found.scores.baselines["constant"].value

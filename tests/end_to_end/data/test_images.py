"""From images in an .npz to a model and its answers."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.datasets import load_digits

from executor import train
from executor.runs.files import REPORT
from recommender.cli.main import group
from rules.errors import ColumnError

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from executor.runs.run import Run

ROWS = 500


def shuffled_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (rows, 8, 8) and classes, the writers mixed: scikit-learn has them one after the other."""
    images, classes = load_digits().images, load_digits().target
    order = np.random.default_rng(0).permutation(len(images))[:ROWS]
    return images[order], classes[order].astype(str)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 images of 8 x 8 pixels of ten digits, the last hundred of them to judge by."""
    images, classes = shuffled_digits()
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    part = np.where(np.arange(ROWS) < ROWS - 100, "train", "test")
    np.savez(path, pixels=images, digit=classes, part=part)
    return path


@pytest.fixture(scope="module")
def digits_run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one trial; tests must not change it."""
    directory = tmp_path_factory.mktemp("runs") / "digits"
    return train(digits, target="digit", trials=1, directory=directory)


def new_images(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_a_model_of_images_is_judged_on_the_rows_kept_apart_beside_simple_answers(digits_run: Run) -> None:
    scores = digits_run.scores
    assert digits_run.record.facts["modality"].value == "image"
    assert set(scores.baselines) == {"constant", "linear", "nearest neighbours"}
    assert scores.hold_out.value > 0.9


def test_new_images_without_a_target_are_predicted_as_the_hold_out_was(digits_run: Run, tmp_path: Path) -> None:
    images = shuffled_digits()[0][-100:]
    rows = new_images(tmp_path / "new.npz", pixels=images.astype(np.uint8))
    output = tmp_path / "out.csv"
    result = CliRunner().invoke(group, ["predict", str(digits_run.directory), str(rows), "-o", str(output)])
    assert result.exit_code == 0, result.output
    answers, judged = (
        list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in (output, digits_run.directory / "predictions.csv")
    )
    assert [row["prediction"] for row in answers] == [row["prediction"] for row in judged]
    names = [name for name in answers[0] if name.startswith("probability")]
    np.testing.assert_allclose(*([[float(row[name]) for name in names] for row in rows] for rows in (answers, judged)))


def test_the_model_file_takes_images_as_bytes(digits_run: Run) -> None:
    images = shuffled_digits()[0][:4, ..., None].astype(np.uint8)
    (entry,) = digits_run.signature.inputs
    assert (entry.name, entry.form, entry.image) == ("pixels", "image", (8, 8, 1))
    shares = np.asarray(digits_run.model({"pixels": images}))
    assert shares.shape == (4, 10)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


def test_images_of_another_size_or_none_are_refused(digits_run: Run, tmp_path: Path) -> None:
    larger = new_images(tmp_path / "larger.npz", pixels=np.zeros((3, 9, 8), np.uint8))
    with pytest.raises(ColumnError, match=r"images of 8 x 8 pixels, grey, .* has images of 9 x 8 pixels, grey"):
        digits_run.predict(larger)
    table = tmp_path / "table.csv"
    table.write_text("pixels\n1\n")
    with pytest.raises(ColumnError, match=r"'pixels' must hold images .* table\.csv has no images there"):
        digits_run.predict(table)
    named = new_images(tmp_path / "named.npz", other=np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(ColumnError, match="lacks 'pixels'"):
        digits_run.predict(named)


def test_images_are_recommended_for_on_the_command_line(digits: Path) -> None:
    result = CliRunner().invoke(group, [str(digits), "--target", "digit", "--format", "json"])
    assert result.exit_code == 0, result.output
    advice = json.loads(result.stdout)
    assert advice["profile"]["modality"] == "image"
    assert advice["bundle"]["optimizer"]["schedule"] == "one_cycle"


def test_images_that_were_taken_for_something_else_are_shown(browser: Browser, digits_run: Run) -> None:
    opened = browser.new_page()
    opened.goto((digits_run.directory / REPORT).as_uri())
    shown = opened.locator(".pictures img")
    widths = [shown.nth(at).evaluate("image => image.naturalWidth") for at in range(shown.count())]
    assert all(width == 48 for width in widths)
    if not widths:
        assert "No image of the hold-out is misclassified" in opened.locator("body").inner_text()
    opened.close()

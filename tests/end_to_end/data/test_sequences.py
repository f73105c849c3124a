"""From sequences to a model and its answers: arrays, long tables, and letters."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from executor import train
from executor.runs.plan import reopen_dataset
from executor.runs.report.groups import score_groups
from executor.runs.report.hold_out_predictions import read_predictions
from executor.runs.report.reproduce import reproduce_command
from executor.runs.run import Run
from recommender.cli.main import group
from rules.decision.trace import Pin
from rules.errors import ChoiceError, ColumnError
from rules.vocabulary.choices import InceptionTime, MiniRocket
from tests.effort import long_test

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 160


def waves() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy waves (rows, 30, 2) of two lengths of their period, from a random place on; their classes and lengths."""
    random = np.random.default_rng(0)
    classes = random.integers(0, 2, ROWS)
    place = random.uniform(0, 2 * np.pi, (ROWS, 1))
    wave = np.sin(place + np.arange(30) * np.where(classes, 1.4, 0.9)[:, None])
    values = np.stack([wave, random.normal(size=wave.shape)], axis=2) + random.normal(0, 0.2, (ROWS, 30, 2))
    lengths = random.integers(20, 31, ROWS)
    values[np.arange(30) >= lengths[:, None]] = np.nan
    return values, np.where(classes, "fast", "slow"), lengths


@pytest.fixture(scope="module")
def wave_run(tmp_path_factory: pytest.TempPathFactory, one_split: Pin) -> Run:
    """A run of one trial on an array; tests must not change it."""
    folder = tmp_path_factory.mktemp("waves")
    values, classes, lengths = waves()
    np.savez(folder / "waves.npz", signal=values, tempo=classes, lengths=lengths)
    return train(folder / "waves.npz", target="tempo", trials=1, pins=[one_split], directory=folder / "run")


def test_random_kernels_tell_waves_apart_that_begin_anywhere(wave_run: Run) -> None:
    record = wave_run.record
    assert record.facts["modality"].value == "sequence"
    assert record.decisions["architecture"].choice == MiniRocket()
    assert wave_run.scores.hold_out.value > 0.9


def test_new_sequences_may_be_longer_than_those_of_training(wave_run: Run, tmp_path: Path) -> None:
    rows = tmp_path / "new.npz"
    steps = np.arange(50)
    np.savez(rows, signal=np.stack([np.stack([np.sin(steps * pace), 0 * steps], 1) for pace in (0.9, 1.4)]))
    assert wave_run.predict(rows)["prediction"].to_pylist() == ["slow", "fast"]
    np.savez(rows, signal=-np.ones((2, 30, 3)))
    with pytest.raises(ColumnError, match=r"of 2 channels, as it did in training, but .* 30 steps with 3 chan"):
        wave_run.predict(rows)


@pytest.fixture(scope="module")
def long_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The waves, a row for each step; the hand is left for every other person, beginning with the first."""
    values, classes, lengths = waves()
    table = tmp_path_factory.mktemp("long") / "long.csv"
    lines = [
        f"p{row},{step},{classes[row]},{('left', 'right')[row % 2]},{x:.4f},{y:.4f}"
        for row in range(ROWS)
        for step, (x, y) in reversed([*enumerate(values[row, : lengths[row]])])
    ]
    table.write_text("\n".join(["person,step,tempo,hand,x,y", *lines]), encoding="utf-8")
    return table


@pytest.fixture(scope="module")
def long_run(long_table: Path) -> Run:
    """A run of one trial on a long table, trained from the command line; tests must not change it."""
    directory = long_table.parent / "run"
    arguments = ["--target", "tempo", "--sequence", "person", "--order", "step", "--trials", "1", "--reason", "faster"]
    pins = ["--pin", "architecture={name: minirocket, features: 840}", "--pin", "validation=holdout"]
    trained = CliRunner().invoke(group, ["train", str(long_table), *arguments, *pins, "-o", str(directory)])
    assert trained.exit_code == 0, trained.output
    return Run(directory)


def test_a_long_table_is_gathered_for_training_and_for_new_rows(
    long_run: Run, long_table: Path, tmp_path: Path
) -> None:
    _, classes, _ = waves()
    output = tmp_path / "out.csv"
    predicted = CliRunner().invoke(group, ["predict", str(long_run.directory), str(long_table), "-o", str(output)])
    assert predicted.exit_code == 0, predicted.output
    answers = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert [row["person"] for row in answers] == [f"p{row}" for row in range(ROWS)]
    assert np.mean([row["prediction"] for row in answers] == classes) > 0.9


def test_the_groups_of_a_report_are_those_of_sequences_not_of_steps(long_run: Run) -> None:
    dataset, _ = reopen_dataset(long_run.plan, must=True)
    assert dataset is not None
    with dataset:
        groups = score_groups(long_run, read_predictions(long_run), dataset, "hand")
    with (long_run.directory / "predictions.csv").open(encoding="utf-8") as file:
        hold_out = [int(row["row"]) for row in csv.DictReader(file)]
    expected = {"left": sum(row % 2 == 0 for row in hold_out), "right": sum(row % 2 for row in hold_out)}
    assert {one.name: one.rows for one in groups} == expected


def test_the_command_of_a_run_on_a_long_table_gathers_it_again(long_run: Run) -> None:
    assert "--sequence person --order step" in reproduce_command(long_run)


@long_test
def test_letters_are_read_as_a_sequence_by_a_network_that_is_pinned(tmp_path: Path, one_split: Pin) -> None:
    """Genes with TATA somewhere, and genes without."""
    random = np.random.default_rng(0)
    genes = ["".join(random.choice(list("ACG"), 40)) for _ in range(ROWS)]
    place = random.integers(0, 36, ROWS)
    genes = [
        gene[:at] + "TATA" + gene[at + 4 :] if row % 2 else gene
        for row, (gene, at) in enumerate(zip(genes, place, strict=True))
    ]
    table = tmp_path / "genes.csv"
    table.write_text("\n".join(["gene,promoter", *(f"{gene},{row % 2}" for row, gene in enumerate(genes))]))
    pin = Pin(slot="architecture", choice=InceptionTime(), reason="a motif is a short pattern")
    run = train(table, target="promoter", trials=1, pins=[pin, one_split], directory=tmp_path / "run")
    assert run.scores.hold_out.value > 0.9
    assert run.signature.inputs[0].form == "letters"


def test_a_sequence_with_an_order_alone_is_a_mistake_with_a_remedy(tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
    table.write_text("a,b,y\n1,2,0\n", encoding="utf-8")
    result = CliRunner().invoke(group, [str(table), "--order", "a"])
    assert isinstance(result.exception, ChoiceError)
    assert "--order must be used with --sequence" in str(result.exception)

"""Options of commands in the project's settings file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from recommender.cli.main import group
from recommender.examples import example
from rules.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CANCER = str(example("breast_cancer"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a command is called; its settings file is one above."""
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    return tmp_path


def invoke(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(group, list(words))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pcwat.toml", '[recommend]\ntarget = "diagnosis"\nformat = "json"\ntrials = 5'),
        ("pyproject.toml", '[tool.pcwat.recommend]\ntarget = ["diagnosis"]\nformat = "json"\ntrials = 5'),
    ],
)
def test_a_table_holds_the_options_of_its_command(project: Path, file: str, text: str) -> None:
    (project / file).write_text(text, encoding="utf-8")
    found = json.loads(invoke(CANCER).output)
    assert found["record"]["dataset"]["targets"] == ["diagnosis"]
    assert found["record"]["facts"]["trial_budget"]["value"] == 5


def test_the_command_line_goes_before_the_file(project: Path) -> None:
    (project / "pcwat.toml").write_text('[recommend]\nformat = "json"\ntrials = 5', encoding="utf-8")
    found = json.loads(invoke(CANCER, "--target", "diagnosis", "--trials", "7").output)
    assert found["record"]["facts"]["trial_budget"]["value"] == 7


def test_a_record_says_of_a_setting_what_it_says_of_the_option(project: Path) -> None:
    options = ["--target", "diagnosis", "--format", "json"]
    without = json.loads(invoke(CANCER, *options, "--trials", "5").output)["record"]
    (project / "pcwat.toml").write_text("[recommend]\ntrials = 5", encoding="utf-8")
    within = json.loads(invoke(CANCER, *options).output)["record"]
    changing = {"created", "chain", "seal"}  # the chain begins with the time
    assert {key: value for key, value in within.items() if key not in changing} == {
        key: value for key, value in without.items() if key not in changing
    }


def test_verbose_says_which_settings_were_read(project: Path) -> None:
    (project / "pcwat.toml").write_text("[recommend]\ntrials = 5", encoding="utf-8")
    assert f"Settings of {project / 'pcwat.toml'}: trials = 5" in invoke(CANCER, "--target", "diagnosis", "-v").stderr
    assert "Settings" not in invoke(CANCER, "--target", "diagnosis").stderr


def test_nested_commands_have_nested_tables(project: Path) -> None:
    (project / "pcwat.toml").write_text('[rules.list]\nslot = "metric"\nformat = "json"', encoding="utf-8")
    found = json.loads(invoke("rules", "list").output)
    assert {rule["slot"] for rule in found} == {"metric"}


def test_paths_are_relative_to_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pcwat.toml").write_text('[train]\nbundle = "none.yaml"', encoding="utf-8")
    (project / "below").mkdir(exist_ok=True)
    monkeypatch.chdir(project / "below")
    result = invoke("train", CANCER, "--target", "diagnosis")
    assert f"There is no file {project / 'none.yaml'}" in str(result.exception)


@pytest.mark.parametrize(("table", "key"), [("recommend", "record"), ("recommend", "output"), ("train", "output")])
def test_settings_must_not_name_outputs(project: Path, table: str, key: str) -> None:
    kept = project / "kept.txt"
    kept.write_text("mine", encoding="utf-8")
    (project / "pcwat.toml").write_text(f'[{table}]\n{key} = "kept.txt"', encoding="utf-8")
    verb = () if table == "recommend" else (table,)
    result = invoke(*verb, CANCER, "--target", "diagnosis")
    assert f"[{table}] must not set output paths, but got {key} = 'kept.txt'" in str(result.exception)
    assert kept.read_text(encoding="utf-8") == "mine"


BAD = {
    "a table of no command": ("[trian]\n", r"pcwat.toml: .* but got \[trian\]\. Did you mean 'train'\?"),
    "a misspelt option": (
        "[recommend]\ntarjet = 'x'",
        r"\[recommend\] .*'tarjet'\. Did you mean 'target'\?",
    ),
    "an option of one call": ("[recommend]\nforce = true", "but got 'force'"),
    "a number that is none": (
        "[recommend]\ntrials = 'many'",
        "trials is not valid for --trials: 'many'",
    ),
    "no such choice": ("[recommend]\nformat = 'xml'", r"\[recommend\] format is not valid for --format: 'xml'"),
    "several for one": ("[recommend]\ntime = ['a', 'b']", r"\[recommend\] time must be one value"),
    "no steps": (
        "[recommend]\nhorizon = 0",
        r"\[recommend\] horizon must be a positive whole number of steps, but got 0",
    ),
    "no pairs": ("[recommend]\nkind = ['a']", r"\[recommend\] kind must be COLUMN=KIND"),
    "true for a text": ("[recommend]\ntime = true", r"\[recommend\] time must be a value of --time, but got True"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_no_command_takes_is_refused_with_file_key_and_the_nearest(project: Path, case: str) -> None:
    text, message = BAD[case]
    (project / "pcwat.toml").write_text(text, encoding="utf-8")
    result = invoke(CANCER, "--target", "diagnosis")
    assert isinstance(result.exception, SettingsError), result.output
    with pytest.raises(SettingsError, match=message):
        raise result.exception


def test_a_misspelt_option_of_a_nested_command_is_refused(project: Path) -> None:
    (project / "pcwat.toml").write_text("[rules.list]\nslto = 'metric'", encoding="utf-8")
    result = invoke("rules", "list")
    assert isinstance(result.exception, SettingsError)
    assert "[rules.list] must contain options of 'recommend rules list'" in str(result.exception)
    assert "Did you mean 'slot'?" in str(result.exception)

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from recommender.cli.main import group, main
from recommender.examples import example
from rules.errors import PcwatError
from rules.rulebook.project_settings import layers
from rules.vocabulary.bundle import Bundle

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CANCER = str(example("breast_cancer"))


def invoke(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(group, list(words))


def refused(*words: str) -> str:
    """Message of an error that the user can correct."""
    result = invoke(*words)
    assert isinstance(result.exception, PcwatError), result.output
    return str(result.exception)


def test_a_dataset_gets_its_five_choices_with_the_facts_that_decided() -> None:
    result = invoke(CANCER, "--target", "diagnosis")
    assert result.exit_code == 0
    assert "569 rows" in result.output
    for letter, choice in {"P": "roc_auc", "C": "binary_crossentropy", "W": "he", "A": "adam"}.items():
        assert re.search(rf"^{letter} +{choice}", result.output, re.MULTILINE), result.output
    assert "imbalance_ratio 1.684 > 1.5" in result.output.replace("\n", " ")


def test_json_holds_the_bundle_the_record_and_the_profile() -> None:
    result = invoke(CANCER, "--target", "diagnosis", "--format", "json")
    found = json.loads(result.output)
    assert set(found) == {"bundle", "record", "profile"}
    assert found["record"]["facts"]["rows"]["value"] == 569
    assert found["bundle"]["metric"]["name"] == "roc_auc"


def test_the_bundle_is_written_as_an_editable_file_with_the_reasons(tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    assert invoke(CANCER, "--target", "diagnosis", "-o", str(path)).exit_code == 0
    assert "P002" in path.read_text(encoding="utf-8")
    assert str(Bundle.read(path).metric) == "roc_auc"


def test_the_handbook_alone_can_be_asked() -> None:
    found = json.loads(invoke(CANCER, "--target", "diagnosis", "--book", "handbook", "--format", "json").output)
    assert list(found["record"]["book"]["layers"]) == ["handbook"]
    assert found["bundle"]["optimizer"]["schedule"] == "constant"


def test_a_users_book_is_added_to_the_shipped_ones() -> None:
    assert layers(["mine.yaml"]) == ("handbook", "evidence", "mine.yaml")
    assert layers(["handbook", "mine.yaml"]) == ("handbook", "mine.yaml")


def test_a_pin_shows_its_reason_and_the_choice_of_the_rules() -> None:
    result = invoke(CANCER, "--target", "diagnosis", "--pin", "optimizer=adagrad", "--reason", "to compare")
    text = " ".join(result.output.split())
    assert "adagrad" in text
    assert "to compare" in text
    assert "adam (learning rate 0.0025, schedule cosine)" in text


def test_a_pin_may_have_parameters() -> None:
    pin = "optimizer={name: sgd_momentum, momentum: 0.8}"
    result = invoke(CANCER, "--target", "diagnosis", "--pin", pin, "--reason", "to compare", "--format", "json")
    assert json.loads(result.output)["bundle"]["optimizer"]["momentum"] == 0.8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "diagnose"], "Did you mean 'diagnosis'?"),
        (["--target", "diagnosis", "--task", "regresion"], "Did you mean 'regression'?"),
        (["--target", "diagnosis", "--kind", "mean radius=nummeric"], "Did you mean 'numeric'?"),
        (["--target", "diagnosis", "--kind", "mean radios=numeric"], "Did you mean 'mean radius'?"),
        (["--target", "diagnosis", "--book", "handbok"], "Did you mean 'handbook'?"),
        (["--target", "diagnosis", "--pin", "optimiser=adam", "--reason", "x"], "Did you mean 'optimizer'?"),
        (["--target", "diagnosis", "--pin", "optimizer=adamm", "--reason", "x"], "Did you mean 'adam'?"),
        (
            ["--target", "diagnosis", "--pin", "initializer=zeros", "--reason", "x"],
            "all units of a layer stay identical",
        ),
        (["--target", "diagnosis", "--pin", "loss=mse", "--reason", "x"], "B004"),
        (["--target", "diagnosis", "--pin", "optimizer=adam"], "Add --reason"),
        (["--target", "diagnosis", "--pin", "optimizer", "--reason", "x"], "'optimizer' has no choice"),
        (["--target", "diagnosis", "--pin", "optimizer=", "--reason", "x"], "The optimizer must be one of sgd"),
        (["--target", "diagnosis", "--pin", "optimizer=adam", "--reason", " "], "a --reason is empty"),
        (["--target", "diagnosis", "--reason", "because"], "--reason needs a --pin, but there is none"),
        (
            ["--target", "diagnosis", "--pin", "loss=mse", "--pin", "loss=hinge", "--reason", "x"],
            "loss is pinned again by 'loss=hinge'",
        ),
        (["--target", "diagnosis", "--time", "diagnosis"], "both target and time column"),
        (["--target", "diagnosis", "--split", "mean radius"], "must be train, validation or test"),
        (["--target", "diagnosis", "--budget", "soon"], "such as 90s, 10m or 1.5h"),
    ],
)
def test_an_error_on_the_command_line_names_the_remedy(words: list[str], message: str) -> None:
    assert message in refused(CANCER, *words)


@pytest.mark.parametrize(
    ("source", "message"),
    [("", "the path is empty"), ("ftp://example.org/t.csv", "but it starts with ftp://")],
)
def test_a_dataset_has_a_path_or_a_url_of_a_known_scheme(source: str, message: str) -> None:
    assert message in refused(source)


def test_the_output_never_overwrites_what_is_read(tmp_path: Path) -> None:
    path, link = tmp_path / "t.csv", tmp_path / "link.csv"
    path.write_bytes(example("breast_cancer").read_bytes())
    link.symlink_to(path)
    for output in (path, link):
        assert "must not overwrite" in refused(str(path), "--target", "diagnosis", "--force", "-o", str(output))
        assert "must not overwrite" in refused(str(path), "--target", "diagnosis", "--record", str(output))
    assert path.read_bytes() == example("breast_cancer").read_bytes()


def test_an_existing_bundle_is_overwritten_by_force_only(tmp_path: Path) -> None:
    path = tmp_path / "bundle.yaml"
    path.write_text("edited", encoding="utf-8")
    words = [CANCER, "--target", "diagnosis", "-o", str(path)]
    assert "use --force to overwrite it" in refused(*words)
    assert path.read_text(encoding="utf-8") == "edited"
    assert invoke(*words, "--force").exit_code == 0
    assert str(Bundle.read(path).metric) == "roc_auc"


def test_the_hint_after_a_bundle_is_the_whole_command_that_trains_it(tmp_path: Path) -> None:
    path = tmp_path / "my bundle.yaml"
    options = ["--target", "diagnosis", "--kind", "mean radius=numeric", "--book", "handbook", "--budget", "25s"]
    result = invoke(CANCER, *options, "--pin", "optimizer=adam", "--reason", "a test", "-o", str(path))
    hint = result.output.split("train it:\n")[1]
    assert shlex.split(hint) == ["recommend", "train", CANCER, *options, "--bundle", str(path)]


def test_messages_never_name_the_verb_that_is_not_typed() -> None:
    for words in ([CANCER, "--format", "xml"], [CANCER, "-h"]):
        result = CliRunner().invoke(group, words, prog_name="recommend")
        assert "Usage: recommend [OPTIONS] DATASET" in result.output


def test_dash_h_is_help() -> None:
    # Not of the group itself, whose help loads every verb that is installed.
    assert "Write the bundle to this YAML file" in invoke(CANCER, "-h").output
    assert "Show this message and exit" in invoke("profile", "-h").output


def test_a_misspelt_verb_is_met_with_the_nearest() -> None:
    result = invoke("profle", CANCER)
    assert result.exit_code == 2
    assert "no command and no file 'profle'. Did you mean 'profile'?" in result.stderr


def test_an_error_is_one_paragraph_on_stderr_and_exit_code_2(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["recommend", CANCER, "--target", "diagnose"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    assert "\n\n" not in err.strip()


def test_a_recommendation_imports_no_framework_and_no_other_verb() -> None:
    script = (
        "import sys; sys.argv = ['recommend', sys.argv[1], '--target', 'diagnosis']\n"
        "from recommender.cli.main import group\n"
        "group(standalone_mode=False)\n"
        "bad = {'tensorflow', 'keras', 'keras_tuner', 'numpy', 'pandas', 'sklearn', 'jinja2', 'executor', "
        "'rules.cli.commands', 'recommender.audit'} & set(sys.modules)\n"
        "sys.exit(f'imported {bad}' if bad else 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, CANCER], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_help_names_all_verbs() -> None:
    result = invoke("--help")
    assert "train" in result.output
    assert "predict" in result.output

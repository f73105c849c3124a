"""Tutorial, help of every command, completion, colours and exit codes in the terminal."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from recommender.cli.completion import SHELLS, completer
from recommender.cli.main import group, main
from recommender.cli.welcome import lesson
from recommender.examples import example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANCER = str(example("breast_cancer"))
PROGRAM = [sys.executable, "-c", "from recommender.cli.main import main; main()"]


def all_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Words of every command that can be typed; the default verb has none."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from all_commands(below, (*path, name))


COMMANDS = dict(all_commands(group))


def one_a_line(text: str) -> str:
    return text.replace("\\\n", " ")


def test_recommend_alone_teaches_with_commands_that_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    taught = CliRunner().invoke(group, [])
    assert taught.exit_code == 0
    assert taught.output == lesson()
    shown = [shlex.split(line)[1:] for line in re.findall(r"^ +(recommend .*)", one_a_line(lesson()), re.MULTILINE)]
    assert [words[0] for words in shown[1:]] == ["train", "predict"]
    assert CliRunner().invoke(group, shown[0]).exit_code == 0


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_shows_examples_whose_options_exist(path: str) -> None:
    command = COMMANDS[path]
    shown = one_a_line(command.epilog or "").partition("Exit codes:")[0]
    found = re.findall(r"^ +(?:eval \"\$\()?(recommend .*?)(?:\)\"| > .*)?(?: +#.*)?$", shown, re.MULTILINE)
    assert found, path
    for line in found:
        words = shlex.split(line)[1:]
        named = [name for name in COMMANDS if name and words[: len(name.split())] == name.split()]
        called = COMMANDS[max(named, key=len, default="bundle")]
        known = {option for param in called.params for option in param.opts}
        assert {word for word in words if word.startswith("-")} <= known, line


@pytest.mark.parametrize("path", COMMANDS)
def test_examples_stand_one_a_line_and_every_option_says_what_it_does(path: str) -> None:
    words = [] if path == "bundle" else path.split()
    text = CliRunner(env={"COLUMNS": "80"}).invoke(group, [*words, "--help"]).output
    assert "\b" not in text
    assert "\\b" not in text
    assert "Examples:\n" in text or path == "bundle"
    for param in COMMANDS[path].params:
        assert not isinstance(param, click.Option) or param.help, (path, param.name)


def test_an_option_has_one_form_wherever_it_is_taken() -> None:
    forms: dict[str, set[str]] = {}
    for command in COMMANDS.values():
        for param in command.params:
            if isinstance(param, click.Option):
                shown = f"{param.opts} {param.type.name} {param.metavar}"
                forms.setdefault(max(param.opts, key=len), set()).add(shown)
    # The book to which a rule is added is one file; every other command reads books by name or path.
    allowed = {"--book": 2, "--to": 1}
    assert {name: found for name, found in forms.items() if len(found) > allowed.get(name, 1)} == {}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_asks_the_program_itself(shell: str) -> None:
    if shell == "bash" and not os.path.exists("/bin/bash"):  # noqa: PTH110
        pytest.skip("click asks bash for its version")
    printed = CliRunner().invoke(group, ["completion", shell])
    assert printed.exit_code == 0
    assert f"_RECOMMEND_COMPLETE={shell}_complete" in printed.output


@pytest.mark.parametrize(
    ("typed", "begun", "completed"),
    [
        ([], "tr", [("plain", "train")]),
        ([], "dat", [("file", "dat")]),
        (["train"], "dat", [("file", "dat")]),
        (["data.csv"], "--tar", [("plain", "--target")]),
        (["data.csv", "--format"], "j", [("plain", "json")]),
        (["rules"], "che", [("plain", "check")]),
    ],
)
def test_verbs_options_and_files_are_completed(typed: list[str], begun: str, completed: list[tuple[str, str]]) -> None:
    found = completer(group, "fish").get_completions(typed, begun)
    assert [(item.type, item.value) for item in found] == completed


def colours(**environment: str) -> set[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "TERM"}}
    ended = subprocess.run(
        [*PROGRAM, CANCER, "--target", "diagnosis"],
        capture_output=True,
        text=True,
        check=True,
        env=kept | {"TERM": "xterm", **environment},
    )
    return set(re.findall(r"\x1b\[(?:\d+;)*3\d[;m]", ended.stdout))


def test_no_color_is_honoured() -> None:
    assert colours(FORCE_COLOR="1")
    assert not colours(FORCE_COLOR="1", NO_COLOR="1")
    assert not colours()


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--version"], 0, "pcwat"),
        (["rules", "test"], 0, ""),
        (["audit", "guardrails", CANCER, "--target", "no such column"], 2, "Error: "),
        (["rules", "show"], 2, "Missing argument"),
    ],
)
def test_exit_codes_are_those_that_help_names(
    words: list[str], code: int, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["recommend", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert part in "".join(capsys.readouterr())


def test_ctrl_c_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which pytest-xdist has taken away
    monkeypatch.setattr("recommender.cli.commands.measure", interrupted)
    monkeypatch.setattr(sys, "argv", ["recommend", "profile", CANCER, "--target", "diagnosis"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err.strip() == "Stopped by Ctrl-C."

"""What README.md shows is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from recommender.cli.main import group

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"), ids=["recommend", "train"])
def test_the_python_examples_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  our own documentation


def commands() -> Iterator[list[str]]:
    """The words after `recommend` of every command in the README."""
    for line in [*"".join(blocks("console")).splitlines(), *"".join(blocks("sh")).splitlines()]:
        for found in re.findall(r"(?:^\$ |\.venv/bin/)recommend ([^#&\n]+)", line):
            yield shlex.split(found)


def command_of(words: list[str]) -> click.Command:
    """The command that some words call."""
    found: click.Command = group
    context = click.Context(group)
    for word in words:
        below = found.get_command(context, word) if isinstance(found, click.Group) else None
        if below is None:
            break
        found = below
    bundle = group.get_command(context, "bundle")
    assert bundle is not None
    return bundle if found is group else found


def test_every_command_has_options_that_exist() -> None:
    shown = list(commands())
    assert len(shown) > 15
    for words in shown:
        options = {word for word in words if word.startswith("-")}
        known = {name for param in command_of(words).params for name in param.opts}
        assert options <= known, words


def test_the_job_command_names_a_shipped_dataset() -> None:
    (words,) = (words for words in commands() if "recommender/examples/breast_cancer.csv" in words)
    assert (ROOT / words[1]).exists()
    assert words[words.index("--target") + 1] in (ROOT / words[1]).read_text(encoding="utf-8").splitlines()[0]


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "test-command" in script
    assert "pytest" in README.split("<!-- test-command -->")[1].split("```")[1]

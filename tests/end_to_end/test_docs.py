"""What the documentation shows is run: commands with output, and Python; commands without output must exist.

A page is a session in one folder, in which the shipped examples lie. `--update-golden` writes the output anew.
"""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest
from click.testing import CliRunner

from recommender.cli.commands import bundle
from recommender.cli.main import group
from recommender.examples import FOLDER
from tests.effort import long_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCS: Final = Path(__file__).parents[2] / "docs"
GENERATED: Final = {"rules.md", "scorecard.md", "reference/commands.md", "reference/python.md"}
PAGES: Final = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
EXPERIMENTS: Final = {page for page in PAGES if page.startswith("learn/")}
"""Pages whose code test_lessons.py runs."""
LONG: Final = ("tutorial.md", "how-to/predict.md", "reference/choices.md")  # to update them, too, set PCWAT_EFFORT=2
BLOCK: Final = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
VARIES: Final = ("train", "predict", "fairness", "audit verify", "audit replay")
"""Commands that print a processor's own numbers, or where files lie: they must succeed; take their output out of a page
to have it written anew."""
FILES: Final = (".csv", ".npz", ".json", ".yaml")
PATH: Final = re.compile(r"`((?:rules|recommender|executor|tests|docs|benchmarks)/[\w/.]*)`")
CITED: Final = re.compile(r"\b(?:docs|benchmarks)/[\w/-]+\.(?:md|py)\b")
WIDTH: Final = "88"  # characters that fit beside the navigation


def run_command(words: list[str]) -> tuple[int, str]:
    """The exit code of a command and what it prints, without blanks at the ends of lines."""
    done = CliRunner(env={"COLUMNS": WIDTH}).invoke(group, words, prog_name="recommend")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    printed = "\n".join(line.rstrip() for line in done.output.strip("\n").splitlines())
    return done.exit_code, f"{printed}\n" if printed else ""


def shown_commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def redone(block: str, *, write: bool) -> str:
    """A console block with the output that its commands have now."""
    lines = []
    for command, output in shown_commands(block):
        words = shlex.split(command, comments=True)
        assert words[0] == "recommend", command
        if not output and not (write and is_runnable(words)):
            lines.append(f"$ {command}\n")
            continue
        code, printed = run_command(words[1:])
        assert code in {0, 1}, printed
        is_kept = bool(output) and " ".join(words[1:3]).startswith(VARIES)
        lines.append(f"$ {command}\n{output if is_kept else printed}")
    return "".join(lines)


def is_runnable(words: list[str]) -> bool:
    """Whether a command's files are there, and it does not train by the clock."""
    outputs = {after for before, after in itertools.pairwise(words) if before in {"-o", "--record"}}
    files = [word for word in words[1:] if word.endswith(FILES) or word.startswith("runs/")]
    return "--budget" not in words and all(Path(word).exists() for word in files if word not in outputs)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=long_test) if page in LONG else page
        for page in PAGES
        if page not in GENERATED and page not in EXPERIMENTS
    ],
)
def test_a_page_shows_what_its_commands_print(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    write = request.config.getoption("--update-golden")
    path = DOCS / page
    for example in FOLDER.glob("*.csv"):
        shutil.copy(example, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}

    def done(found: re.Match[str]) -> str:
        language, block = found.groups()
        if language == "python":
            exec(compile(block, page, "exec"), names)  # noqa: S102  our own documentation
            return found.group()
        return f"```console\n{redone(block, write=write)}```"

    text = path.read_text(encoding="utf-8")
    now = BLOCK.sub(done, text)
    if write:
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8"), f"{page} is out of date: pytest {__file__} --update-golden"


def all_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command by its words; the default verb has none."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from all_commands(below, (*path, name))


COMMANDS: Final = dict(all_commands(group))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED])
def test_every_command_has_options_that_exist(page: str) -> None:
    for language, block in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        for command, _ in shown_commands(block) if language == "console" else ():
            words = shlex.split(command, comments=True)[1:]
            named = [name for name in COMMANDS if name and words[: len(name.split())] == name.split()]
            called = COMMANDS[max(named, key=len)] if named else bundle
            known = {option for param in called.params for option in param.opts}
            assert {word for word in words if word.startswith("-")} <= known, command


def test_the_reference_of_commands_is_their_help(golden: Callable[[Path, str], None]) -> None:
    parts = ["# Commands\n\nThe help of every command, as `--help` prints it.\n"]
    for path in COMMANDS:
        name = f"recommend {path}".strip()
        _, text = run_command([*path.split(), "--help"])
        parts.append(f"## {name}\n\n```text\n{text}```\n")
    golden(DOCS / "reference" / "commands.md", "\n".join(parts))


def test_every_page_is_in_the_navigation() -> None:
    navigation = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in PAGES if f": {page}\n" not in navigation] == []


def test_each_claim_about_another_tool_has_its_own_evidence() -> None:
    page = (DOCS / "reference" / "comparison.md").read_text(encoding="utf-8")
    evidence = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", page, re.MULTILINE))
    assert sorted(re.findall(r"\]\[([\w-]+)\]", page)) == sorted(evidence)
    assert all(url.startswith("https://") for url in evidence.values())
    assert len(set(evidence.values())) == len(evidence)
    cells = [
        cell
        for row in re.findall(r"^\| (?:AutoGluon|AutoKeras|Ludwig|FLAML) \|(.*) \|$", page, re.MULTILINE)
        for cell in row.split(" | ")
    ]
    assert [cell for cell in cells if "](#" not in cell and "][" not in cell] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_a_folder_of_the_machine_on_which_it_was_written(page: str) -> None:
    assert "/tmp/" not in (DOCS / page).read_text(encoding="utf-8")  # noqa: S108  a text, not a file


def test_every_page_and_script_that_the_code_cites_exists() -> None:
    root = DOCS.parent
    packages = ("executor", "recommender", "rules", "benchmarks")
    sources = [path for package in packages for path in (root / package).rglob("*")]
    texts = [path.read_text(encoding="utf-8") for path in sources if path.suffix in {".py", ".yaml", ".md"}]
    cited = {name for text in texts for name in CITED.findall(text)}
    assert "docs/evidence.md" in cited
    assert [name for name in sorted(cited) if not (root / name).exists()] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "benchmarks/README.md", "docs/architecture.md"])
def test_a_file_or_folder_that_a_page_names_exists(page: str) -> None:
    root = DOCS.parent
    named = set(PATH.findall((root / page).read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (root / name).exists()] == []

"""The command `recommend rules`.

Exit codes: 0 without findings, 1 with findings, 2 for a usage error or an unreadable book. JSON is printed to standard
output.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rules.cli import render
from rules.cli.entry_points import ExtensibleGroup
from rules.cli.output import (
    console,
    emit,
    end,
    examples,
    explore_output_option,
    force_option,
    format_option,
    write_page,
)
from rules.cli.parameters import SlotName, book_argument, book_option
from rules.decision.difference import difference
from rules.decision.engine import slot_choices
from rules.decision.reachability import by_reach
from rules.decision.record import Record
from rules.errors import BookError, did_you_mean
from rules.proof.coverage import coverage as covered
from rules.proof.coverage import failures
from rules.proof.proof import prove
from rules.proof.proved_book import ProvedBook, load_book
from rules.rulebook.project_settings import layers
from rules.rulebook.rulebook import layers_of, read_layers
from rules.scorecard.shipped import measured_score
from rules.text.files import refuse_existing_output, write_text
from rules.vocabulary.choices import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.proof.proof import Proof
    from rules.rulebook.rule import Rule


class RuleVerbs(ExtensibleGroup):
    """The verbs about rules; those that train belong to another package."""

    entry_point_group = "recommend.rules.commands"


@click.group(
    cls=RuleVerbs,
    epilog=examples("recommend rules list", "recommend rules show C103", "recommend rules check mine.yaml"),
)
def rules() -> None:
    """Show, prove, test, compare and extend the rules of 'recommend'."""


@rules.command("list", epilog=examples("recommend rules list", "recommend rules list --slot P --format json"))
@click.option("--slot", type=SlotName(), metavar="SLOT", help="List only the rules of this slot.")
@book_option
@format_option
def list_rules(*, slot: Slot | None, book: tuple[str, ...], form: str) -> None:
    """List the rules of a book."""
    found = [rule for rule in read_layers(layers(book)).rules if slot is None or rule.slot is slot]
    if form == "json":
        emit([_as_json(rule) for rule in found])
        return
    render.show_rules(found, console())


@rules.command(
    short_help="Show one rule with its reason and examples.",
    epilog=examples("recommend rules show C103", "recommend rules show M001 --book mine.yaml"),
)
@click.argument("rule_id", metavar="ID")
@book_option
@format_option
def show(*, rule_id: str, book: tuple[str, ...], form: str) -> None:
    """Show one rule: condition, choice, reason, source, the rules that it beats, and examples."""
    proved = load_book(layers(book))
    rule = proved.book.by_id.get(rule_id.upper())
    if rule is None:
        near = did_you_mean(rule_id.upper(), proved.book.by_id)
        raise BookError(f"The rule {rule_id} is not in this book.{near} List all rules with 'recommend rules list'.")
    if rule in proved.book.off:
        entry = next((entry for entry in proved.book.disabled if entry.rule == rule.id), None)
        if entry is None:
            raise BookError(f"The rule {rule.id} is off, because the rules of which it is a variant are disabled.")
        by = f" by {entry.author}" if entry.author else ""
        raise BookError(
            f"The rule {rule.id} is disabled{by} ({entry.place}): {entry.reason}. "
            "Remove that entry, or select a book without it with --book."
        )
    if form == "json":
        emit(_as_json(rule) | {"order": render.order_of(rule, proved)})
        return
    render.show_rule(rule, proved, console())


@rules.command(
    short_help="Show the decision table of a slot.",
    epilog=examples("recommend rules table optimizer", "recommend rules table P --to markdown"),
)
@click.argument("slot", type=SlotName())
@book_option
@click.option(
    "--to",
    type=click.Choice(["terminal", "markdown", "html"]),
    default="terminal",
    show_default=True,
    help="Output format.",
)
@format_option
def table(*, slot: Slot, book: tuple[str, ...], to: str, form: str) -> None:
    """Show the decision table of SLOT, in which the first matching row decides."""
    from rules.decision.decision_table import decision_table, to_html, to_markdown  # noqa: PLC0415  jinja2 is for these verbs only

    found = decision_table(load_book(layers(book)), slot)
    if form == "json":
        rows = [{"rule": rule.id, "choice": str(rule.choice), "when": list(map(str, rule.when))} for rule in found.rows]
        emit({"slot": slot.value, "facts": list(found.facts), "rows": rows})
    elif to == "terminal":
        render.show_decision_table(found, console())
    else:
        click.echo(to_html(found) if to == "html" else to_markdown(found), nl=False)


@rules.command(
    short_help="Prove that a book decides for every dataset.",
    epilog=examples(
        "recommend rules check",
        "recommend rules check mine.yaml",
        "recommend rules check mine.yaml --format sarif > rules.sarif",
    ),
)
@book_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "sarif", "junit"]),
    default="table",
    show_default=True,
    help="Output format; sarif (2.1.0) and junit are for CI.",
)
def check(*, book: str | None, form: str) -> None:
    """Prove that BOOK makes exactly one choice per slot for every dataset, and that each rule has an effect."""
    merged = read_layers(layers(() if book is None else (book,)))
    proof = prove(merged)
    proved = ProvedBook(book=merged, proof=proof)
    if form == "json":
        reach = {} if proof.findings else {kind.value: ids for kind, ids in by_reach(proved).items()}
        emit({"layers": dict(merged.layers), "rules": len(merged.rules), "findings": _findings(proof), "reach": reach})
    elif form in {"sarif", "junit"}:
        from rules.cli import ci_formats  # noqa: PLC0415  for these formats only

        click.echo(ci_formats.to_sarif(proof) if form == "sarif" else ci_formats.to_junit(merged, proof), nl=False)
    elif proof.findings:
        render.show_findings(proof.findings, console())
    else:
        render.show_proved(proved, console())
    end(findings=bool(proof.findings))


@rules.command(
    "test",
    short_help="Run the examples of a book's rules.",
    epilog=examples("recommend rules test", "recommend rules test mine.yaml"),
)
@book_argument
@format_option
def run_examples(*, book: str | None, form: str) -> None:
    """Run the examples of the rules of BOOK."""
    merged = read_layers(layers(() if book is None else (book,)))
    failed = failures(merged)
    count = sum(len(rule.examples) for rule in merged.rules)
    if form == "json":
        emit({"examples": count, "failures": [one.model_dump() for one in failed]})
    else:
        render.show_failures(failed, console())
        click.echo(f"{count - len(failed)} of {count} examples of {len(merged.rules)} rules passed.")
    end(findings=bool(failed))


@rules.command(
    short_help="Show thresholds without nearby examples.",
    epilog=examples("recommend rules coverage", "recommend rules coverage mine.yaml --format json"),
)
@book_argument
@format_option
def coverage(*, book: str | None, form: str) -> None:
    """Show thresholds of BOOK without nearby examples on both sides, and the share of datasets decided by fallbacks."""
    found = covered(load_book(layers(() if book is None else (book,))))
    if form == "json":
        emit(found.model_dump(mode="json"))
    else:
        render.show_coverage(found, console())
    end(findings=not found.is_complete)


@rules.command(
    epilog=examples("recommend rules diff handbook shipped", "recommend rules diff shipped mine.yaml --corpus runs"),
    short_help="Show where two books choose differently.",
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--corpus",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of runs or records; show which of their datasets change.",
)
@format_option
def diff(*, old: str, new: str, corpus: Path | None, form: str) -> None:
    """Show all regions of datasets for which the books OLD and NEW make different choices.

    A book is 'shipped', 'handbook', a file or folder of your rules (on top of the shipped ones), a folder of a complete
    book, or layers joined by '+'.
    """
    before, after = load_book(layers_of(old)), load_book(layers_of(new))
    found = difference(before, after)
    records = None if corpus is None else list(_records(corpus))
    changed = {} if records is None else dict(_changed(records, before, after))
    if form == "json":
        looked = None if records is None else len(records)
        emit({"differences": [one.model_dump(mode="json") for one in found], "records": looked, "changed": changed})
    else:
        render.show_differences(found, changed, None if records is None else len(records), console())
    end(findings=bool(found))


def _records(folder: Path) -> Iterable[Record]:
    """All records below a folder; other JSON files are skipped."""
    for path in sorted(folder.rglob("*.json")):
        if Record.is_one(path):
            yield Record.read(path)


def _changed(records: Iterable[Record], before: ProvedBook, after: ProvedBook) -> Iterable[tuple[str, list[str]]]:
    """Records whose bundle changes, with text of the changes."""
    for record in records:
        facts, pins = record.measurements(), record.pins
        was, becomes = (slot_choices(proved, facts, pins=pins) for proved in (before, after))
        changes = [
            f"{slot} {was[slot].choice} → {becomes[slot].choice}"
            for slot in Slot
            if was[slot].choice != becomes[slot].choice
        ]
        if changes:
            yield f"{record.dataset.name} ({record.created})", changes


@rules.command(
    epilog=examples(
        "recommend rules new optimizer --then adamw --when 'rows>=5000' \\",
        "    --because 'As in our last paper.'",
    ),
    short_help="Add a rule to your own book.",
)
@click.argument("slot", type=SlotName())
@click.option(
    "--then",
    "then",
    required=True,
    metavar="CHOICE",
    help="Choice: a name, or YAML such as '{name: adamw, weight_decay: 0.01}'.",
)
@click.option(
    "--when",
    multiple=True,
    metavar="TEST",
    help="Condition, such as 'rows>=5000' or 'task=binary,multiclass' (repeatable).",
)
@click.option("--because", required=True, metavar="TEXT", help="Reason of the rule.")
@click.option("--author", default="", metavar="NAME", help="Author of the rule.")
@click.option(
    "--book", "path", type=click.Path(path_type=Path), default="mine.yaml", show_default=True, help="File of your book."
)
@format_option
def new(*, slot: Slot, then: str, when: tuple[str, ...], because: str, author: str, path: Path, form: str) -> None:
    """Add a rule for SLOT to your book, with tests, and with the overrides that the proof requires."""
    from rules.proof.new_rule import add_rule  # noqa: PLC0415  for this verb only

    if path.is_dir():
        raise BookError(f"--book must be a file to write the rule to, but got the folder {path}. Give a file in it.")
    below = [layer for layer in layers(()) if Path(layer).resolve() != path.resolve()]
    rule = add_rule(path, slot, then=then, when=when, because=because, author=author, below=below)
    proof = prove(read_layers([*below, path]))
    if form == "json":
        emit({"rule": rule, "book": str(path), "findings": _findings(proof)})
        end(findings=bool(proof.findings))
        return
    click.echo(f"Wrote {rule} to {path}.")
    render.show_findings(proof.findings, console())
    if not proof.findings:
        proved = load_book([*below, path])
        render.show_scope(proved.book.by_id[rule], proved, console())
        click.echo(f'The merged book is proved. Use it with --book {path}, or add it to pcwat.toml: book = ["{path}"]')
    end(findings=bool(proof.findings))


@rules.command(
    short_help="Print the JSON Schema of a book, bundle or record.",
    epilog=examples("recommend rules schema book > book.schema.json"),
)
@click.argument("kind", type=click.Choice(["book", "bundle", "record"]))
def schema(*, kind: str) -> None:
    """Print the JSON Schema of a book, a bundle or a record, for editors and validators."""
    from rules.cli.schema import path_of  # noqa: PLC0415  for this verb only

    click.echo(path_of(kind).read_text(encoding="utf-8"), nl=False)


@rules.command(short_help="Print the book as Markdown.", epilog=examples("recommend rules docs -o docs/rules.md"))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@force_option
@book_option
def docs(*, output: Path | None, force: bool, book: tuple[str, ...]) -> None:
    """Print the book as a Markdown document with decision tables, reasons and sources."""
    from rules.decision.decision_table import rules_document  # noqa: PLC0415  jinja2 is for these verbs only

    text = rules_document(load_book(layers(book)))
    if output is None:
        click.echo(text, nl=False)
        return
    refuse_existing_output(output, force=force)
    write_text(output, text)


@rules.command(
    short_help="Export the decision tables as DMN.",
    epilog=examples(
        "recommend rules export -o rules.dmn",
        "recommend rules export --slot optimizer --slot loss --book mine.yaml -o mine.dmn",
    ),
)
@click.option("--format", "form", type=click.Choice(["dmn"]), default="dmn", show_default=True, help="DMN 1.3 as XML.")
@click.option(
    "--slot",
    "slots",
    type=SlotName(),
    metavar="SLOT",
    multiple=True,
    help="Slot to export, with the slots on which it depends; repeatable [all].",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@force_option
@book_option
def export(*, form: str, slots: tuple[Slot, ...], output: Path | None, force: bool, book: tuple[str, ...]) -> None:  # noqa: ARG001  one format so far
    """Export the decision tables of a book as DMN 1.3, which decision engines and modelling tools read.

    Inputs are the facts by name; a fact that does not apply or is unknown is null. Each slot is a decision that returns
    the text of its choice.
    """
    from rules.decision.dmn.document import to_dmn  # noqa: PLC0415  for this verb only

    if output is not None:
        refuse_existing_output(output, force=force)
    text = to_dmn(load_book(layers(book)), slots or tuple(Slot))
    if output is None:
        click.echo(text.encode(), nl=False)
        return
    write_text(output, text)
    click.echo(f"Wrote {output}.", err=True)


@rules.command(
    short_help="Write a page on which facts are set and rules decide.",
    epilog=examples("recommend rules explore", "recommend rules explore --book mine.yaml -o mine.html"),
)
@explore_output_option
@force_option
@book_option
def explore(*, output: Path, force: bool, book: tuple[str, ...]) -> None:
    """Write a page that evaluates the rulebook in a browser: set facts and see choices, rules, margins and evidence.

    The page is one file and makes no network requests.
    """
    from rules.explore.books import shown_books  # noqa: PLC0415  for this verb only
    from rules.explore.page import explore_page  # noqa: PLC0415  as above

    refuse_existing_output(output, force=force)
    write_page(output, explore_page(shown_books(layers(book))))


def _findings(proof: Proof) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in proof.findings]


def _as_json(rule: Rule) -> dict[str, Any]:
    score = measured_score(rule.id, str(rule.choice))
    return {
        "id": rule.id,
        "name": rule.name,
        "slot": rule.slot.value,
        "layer": rule.layer,
        "place": rule.place,
        "author": rule.author,
        "when": [str(test) for test in rule.when],
        "choice": rule.choice.model_dump(mode="json"),
        "because": rule.because,
        "rejects": dict(rule.rejects),
        "source": dict(rule.source),
        "stance": rule.stance,
        "overrides": list(rule.overrides),
        "tests": [example.model_dump() for example in rule.examples],
        "measured": None if score is None else score.model_dump(mode="json"),
    }

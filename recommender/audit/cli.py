"""The verb `recommend audit`: questions to a run, a record, or a dataset.

Exit codes: 0 clean, 1 findings, 2 a usage error. JSON goes to standard output, messages to standard error.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recommender.audit import render
from recommender.audit.explain import explain as explained
from recommender.audit.question import what_if as what_if_set
from recommender.audit.question import why_not as asked_why_not
from recommender.audit.replay import replay as replayed
from recommender.audit.subject import Subject, open_subject
from recommender.audit.verify import verify as verified
from recommender.cli.options import DATASET, dataset_options, strategy_options
from rules.cli.common import console, emit_models, end, examples, format_option
from rules.cli.parameters import SlotName
from rules.text.files import refuse_input_as_output, write_text
from rules.vocabulary.choices.slot import NOTES_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from recommender.recommendation.recommend import StrategyOptions
    from rules.decision.request import Request
    from rules.vocabulary.choices import Slot


_data = click.option("--data", type=click.Path(path_type=Path), help="The dataset's file, where it has moved.")


def audited(command: Callable[..., Any], *, altered: bool = False) -> Callable[..., Any]:
    """A command on a SUBJECT: a run directory, a record, or a dataset with the options of 'recommend'.

    altered: whether it takes a record that differs from its digests.
    """

    @functools.wraps(command)
    def wrapped(
        *,
        subject: Path,
        request: Request,
        strategy: StrategyOptions,
        **rest: Any,  # noqa: ANN401  the wrapped command's own options, untouched
    ) -> Any:  # noqa: ANN401
        opened = open_subject(subject, request=request, strategy=strategy, altered=altered)
        return command(subject=opened, **rest)

    decorators = (click.argument("subject", type=DATASET), dataset_options, strategy_options)
    return functools.reduce(lambda wrapping, decorator: decorator(wrapping), reversed(decorators), wrapped)


@click.group(
    short_help="Question a decision.",
    epilog=examples(
        "recommend audit explain runs/titanic-1",
        "recommend audit why-not titanic.csv loss=huber --target Survived",
    ),
)
def audit() -> None:
    """Question a decision: of a run, of a record, or of a dataset."""


@audit.command(
    epilog=examples(
        "recommend audit explain runs/titanic-1", "recommend audit explain titanic.csv metric --target Survived"
    )
)
@audited
@click.argument("slot", type=SlotName(), required=False)
@format_option
def explain(*, subject: Subject, slot: Slot | None, form: str) -> None:
    """Explain how SUBJECT's choices came about, or the one for SLOT."""
    found = explained(subject, NOTES_ORDER if slot is None else (slot,))
    if form == "json":
        emit_models(found)
        return
    met: set[str] = set()
    for one in found:
        render.show_explanation(one, console(), met)


@audit.command("why-not", epilog=examples("recommend audit why-not runs/titanic-1 optimizer=sgd"))
@audited
@click.argument("wanted", metavar="SLOT=CHOICE")
@format_option
def why_not(*, subject: Subject, wanted: str, form: str) -> None:
    """Say why SUBJECT did not get a choice, and what would give it."""
    answer = asked_why_not(subject, wanted)
    if form == "json":
        emit_models(answer)
    else:
        render.show_why_not(answer, console())


@audit.command(
    "what-if",
    epilog=examples(
        "recommend audit what-if runs/titanic-1", "recommend audit what-if runs/titanic-1 --set imbalance_ratio=6"
    ),
)
@audited
@click.option(
    "--set", "settings", multiple=True, metavar="FACT=VALUE", help="A fact as it might be; repeat it for several."
)
@click.option("--all", "every", is_flag=True, help="Also the changes to another task or modality.")
@format_option
def what_if(*, subject: Subject, settings: tuple[str, ...], every: bool, form: str) -> None:
    """Show the bundle under other facts; without --set, the nearest change that would flip each choice."""
    if settings:
        answer = what_if_set(subject, settings)
        if form == "json":
            emit_models(answer)
        else:
            render.show_outcomes(answer, settings, console())
        return
    found = subject.flips(NOTES_ORDER)
    if form == "json":
        emit_models([flip for nearest in found.values() for flip in nearest])
    else:
        render.show_flips(found, subject.record, console(), every=every)


@audit.command(
    epilog=examples("recommend audit replay runs/titanic-1", "recommend audit replay runs/titanic-1 --book handbook")
)
@audited
@_data
@format_option
def replay(*, subject: Subject, data: Path | None, form: str) -> None:
    """Decide again by today's rules on today's measurements, and say what made each change."""
    answer = replayed(subject, data=data)
    if form == "json":
        emit_models(answer)
    else:
        render.show_replay(answer, console())
    end(findings=not answer.is_same)


@audit.command(
    epilog=examples(
        "recommend audit verify runs/titanic-1", "recommend audit verify runs/titanic-1 --data old/titanic.csv"
    )
)
@functools.partial(audited, altered=True)
@_data
@click.option("--seal", metavar="SHA256", help="The seal of the run or of the record, as it was noted elsewhere.")
@format_option
def verify(*, subject: Subject, data: Path | None, seal: str | None, form: str) -> None:
    """Check that record, rules, dataset, bundle and model are what they were; name what was altered.

    Whoever changes a file can compute all digests again. Only --seal, with a seal noted elsewhere, finds that.
    """
    checks = verified(subject, seal=seal, data=data)
    if form == "json":
        emit_models(checks)
    else:
        render.show_checks(checks, console(), sealed=seal is not None)
    end(findings=any(check.is_finding for check in checks))


@audit.command(
    epilog=examples(
        "recommend audit guardrails runs/titanic-1", "recommend audit guardrails titanic.csv --target Survived"
    )
)
@audited
@format_option
def guardrails(*, subject: Subject, form: str) -> None:
    """List the checks of the data: passed, done, or alerted, each with value and threshold."""
    found = subject.guardrails()
    if form == "json":
        emit_models(found)
    else:
        render.show_guardrails(found, console())
    end(findings=any(one.status == "alerted" for one in found))


@audit.command(epilog=examples("recommend audit export runs/titanic-1 --to html -o decision.html"))
@audited
@click.option(
    "--to",
    "form",
    type=click.Choice(["markdown", "html", "json", "prov"]),
    default="markdown",
    show_default=True,
    help="Form.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here instead of standard output.")
def export(*, subject: Subject, form: str, output: Path | None) -> None:
    """Document the decision for a reader who never saw the tool: rationale, assumptions, data, overrides."""
    from recommender.audit.export import export as exported  # noqa: PLC0415  jinja2 and prov are for this verb only

    if output is not None:
        read = (subject.path, subject.record.dataset.path, *subject.layers)
        refuse_input_as_output(output, [Path(path) for path in read if path is not None])
    text = exported(subject, form)
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)
    click.echo(f"Wrote {output}.", err=True)

"""The command `recommend audit`.

Exit codes: 0 without findings, 1 with findings, 2 for a usage error. JSON is printed to standard output, messages to
standard error.
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
from recommender.dataset.address import parse_address
from recommender.dataset.readers.table import input_files
from rules.cli.output import (
    console,
    emit_models,
    end,
    examples,
    explore_output_option,
    force_option,
    format_option,
    write_page,
)
from rules.cli.parameters import SlotName
from rules.errors import RunError
from rules.text.files import refuse_existing_output, refuse_input_as_output, write_text
from rules.vocabulary.choices.slot import NOTES_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from recommender.dataset.address import DatasetAddress
    from recommender.recommendation.recommend import StrategyOptions
    from rules.decision.request import Request
    from rules.vocabulary.choices import Slot


_data = click.option("--data", type=DATASET, metavar="DATASET", help="New path or URL of the dataset.")


def subject_command(command: Callable[..., Any], *, altered: bool = False) -> Callable[..., Any]:
    """Decorator of a command on a SUBJECT: a run directory, a record, or a dataset with the options of 'recommend'.

    altered: whether records that do not match their digests are accepted.
    """

    @functools.wraps(command)
    def wrapped(
        *,
        subject: DatasetAddress,
        request: Request,
        strategy: StrategyOptions,
        **rest: Any,  # noqa: ANN401  the wrapped command's own options, untouched
    ) -> Any:  # noqa: ANN401
        opened = open_subject(subject, request=request, strategy=strategy, altered=altered)
        return command(subject=opened, **rest)

    decorators = (click.argument("subject", type=DATASET), dataset_options, strategy_options)
    return functools.reduce(lambda wrapping, decorator: decorator(wrapping), reversed(decorators), wrapped)


@click.group(
    short_help="Explain, question and verify decisions.",
    epilog=examples(
        "recommend audit explain runs/titanic-1",
        "recommend audit why-not titanic.csv loss=huber --target Survived",
    ),
)
def audit() -> None:
    """Explain, question and verify the decisions of a run, a record, or a dataset."""


@audit.command(
    epilog=examples(
        "recommend audit explain runs/titanic-1", "recommend audit explain titanic.csv metric --target Survived"
    )
)
@subject_command
@click.argument("slot", type=SlotName(), required=False)
@format_option
def explain(*, subject: Subject, slot: Slot | None, form: str) -> None:
    """Explain the choices of SUBJECT, or only the choice for SLOT."""
    found = explained(subject, NOTES_ORDER if slot is None else (slot,))
    if form == "json":
        emit_models(found)
        return
    met: set[str] = set()
    for one in found:
        render.show_explanation(one, console(), met)


@audit.command("why-not", epilog=examples("recommend audit why-not runs/titanic-1 optimizer=sgd"))
@subject_command
@click.argument("wanted", metavar="SLOT=CHOICE")
@format_option
def why_not(*, subject: Subject, wanted: str, form: str) -> None:
    """Explain why SUBJECT does not have a choice, and which change would lead to it."""
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
@subject_command
@click.option(
    "--set", "settings", multiple=True, metavar="FACT=VALUE", help="Hypothetical value of a fact (repeatable)."
)
@click.option("--all", "every", is_flag=True, help="Include changes to another task or modality.")
@format_option
def what_if(*, subject: Subject, settings: tuple[str, ...], every: bool, form: str) -> None:
    """Show the bundle for other facts; without --set, the smallest changes of facts that change each choice."""
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
@subject_command
@_data
@format_option
def replay(*, subject: Subject, data: DatasetAddress | None, form: str) -> None:
    """Decide again with the current rules and measurements, and report the reason of each change."""
    answer = replayed(subject, data=data)
    if form == "json":
        emit_models(answer)
    else:
        render.show_replay(answer, console())
    end(findings=not answer.is_same)


@audit.command(
    epilog=examples(
        "recommend audit verify runs/titanic-1",
        "recommend audit verify runs/titanic-1 --data old/titanic.csv",
        "recommend audit verify runs/titanic-1 --public-key public.pem",
    )
)
@functools.partial(subject_command, altered=True)
@_data
@click.option("--seal", metavar="SHA256", help="Seal of the run or record, as noted elsewhere.")
@click.option(
    "--public-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check the signature of the run with this key (PEM).",
)
@format_option
def verify(
    *, subject: Subject, data: DatasetAddress | None, seal: str | None, public_key: Path | None, form: str
) -> None:
    """Verify that record, rules, dataset, bundle and model are unchanged, and list what was altered.

    A change with recomputed digests is detected only with --seal, given a seal that was noted elsewhere, or with
    --public-key, if the run was signed.
    """
    checks = verified(subject, seal=seal, data=data)
    if public_key is not None:
        from recommender.audit.sign import verify_signature  # noqa: PLC0415  needs an extra

        if subject.run is None:
            raise RunError("Only runs are signed. Name the directory of a run, or leave --public-key out.")
        checks = (verify_signature(subject.run, public_key), *checks)
    if form == "json":
        emit_models(checks)
    else:
        render.show_checks(checks, console(), sealed=seal is not None or public_key is not None)
    end(findings=any(check.is_finding for check in checks))


@audit.command(epilog=examples("recommend audit sign runs/titanic-1 --private-key private.pem"))
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--private-key",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Private key, of an elliptic curve.",
)
@force_option
def sign(*, run: Path, private_key: Path, force: bool) -> None:
    """Sign the files of RUN with a private key, and write model.sig into it.

    The run must be intact. 'audit verify --public-key' checks the signature; so do other tools of OpenSSF Model
    Signing. A new report changes the run, which must then be signed again.
    """
    from recommender.audit.sign import sign_run  # noqa: PLC0415  needs an extra

    click.echo(f"Wrote {sign_run(run, private_key, force=force)}.", err=True)


@audit.command(
    epilog=examples(
        "recommend audit guardrails runs/titanic-1", "recommend audit guardrails titanic.csv --target Survived"
    )
)
@subject_command
@format_option
def guardrails(*, subject: Subject, form: str) -> None:
    """List the data checks with status (alerted, done or passed), value and threshold."""
    found = subject.guardrails()
    if form == "json":
        emit_models(found)
    else:
        render.show_guardrails(found, console())
    end(findings=any(one.status == "alerted" for one in found))


@audit.command(epilog=examples("recommend audit export runs/titanic-1 --to html -o decision.html"))
@subject_command
@click.option(
    "--to",
    "form",
    type=click.Choice(["markdown", "html", "json", "prov"]),
    default="markdown",
    show_default=True,
    help="Output format.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@force_option
def export(*, subject: Subject, form: str, output: Path | None, force: bool) -> None:
    """Export a self-contained document of the decisions: reasons, assumptions, data and pins."""
    from recommender.audit.export import export as exported  # noqa: PLC0415  jinja2 and prov are for this verb only

    if output is not None:
        _refuse_output(subject, output, force=force)
    text = exported(subject, form)
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)
    click.echo(f"Wrote {output}.", err=True)


@audit.command(
    short_help="Write a page on which the facts can be changed.",
    epilog=examples("recommend audit explore runs/titanic-1", "recommend audit explore titanic.csv --target Survived"),
)
@subject_command
@explore_output_option
@force_option
def explore(*, subject: Subject, output: Path, force: bool) -> None:
    """Write a page that starts with the facts of SUBJECT and decides again when they are changed.

    The page is one file and makes no network requests. It shows intervals and fragile choices, and saves the choices as
    a bundle.yaml for 'recommend train --bundle'.
    """
    from recommender.audit.explore import explore as explored  # noqa: PLC0415  jinja2 is for this verb only

    _refuse_output(subject, output, force=force)
    write_page(output, explored(subject))


def _refuse_output(subject: Subject, output: Path, *, force: bool) -> None:
    """Raise PcwatError if the output is a file that the command reads, or exists already."""
    read = [parse_address(path) for path in (subject.path, subject.record.dataset.path, *subject.layers) if path]
    refuse_input_as_output(output, [file for address in read for file in input_files(address)])
    refuse_existing_output(output, force=force)

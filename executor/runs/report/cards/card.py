"""Model card and datasheet as Markdown, from the record of a run (Mitchell et al. 2019; Gebru et al. 2021)."""

from __future__ import annotations

import io
import re
import shlex
from typing import TYPE_CHECKING, Any, Final, Literal

from executor.evaluation.scores import format_estimate
from executor.evaluation.verdict import reach_verdict
from executor.runs.report.fairness import ERRORS, RATES, estimate, sentences
from executor.runs.scoreboard import describe_trials
from recommender.recommendation.render import why
from rules.text.numbers import number, quantity
from rules.text.templating import environment
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, record_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from executor.runs.report.fairness import Fairness
    from executor.runs.run import Run

CardForm = Literal["markdown", "huggingface"]
FORMS: Final = ("markdown", "huggingface")
PIPELINES: Final = {
    ("image", True): "image-classification",
    ("text", True): "text-classification",
    ("tabular", True): "tabular-classification",
    ("tabular", False): "tabular-regression",
    ("time_series", False): "time-series-forecasting",
}
"""Hugging Face's name of a task, by modality and whether classes are predicted; other tasks have none."""


def model_card(run: Run, *, form: CardForm = "markdown", fairness: Sequence[Fairness] = ()) -> str:
    """Write the model card of a run: only what its record, scores and checks contain.

    Args:
        run: The finished run.
        form: "markdown", or "huggingface", which begins with the metadata of a model repository. Default "markdown".
        fairness: Figures of groups, a section each. Default none.

    Returns:
        The card as Markdown; names and values from the data are escaped.

    Raises:
        RunError: If a file of the run is missing or was altered.

    Examples:
        >>> from executor import Run, model_card
        >>> print(model_card(Run("runs/titanic-1")).splitlines()[0])  # doctest: +SKIP
        # Model card of titanic-1
    """
    text = _render(
        run,
        "card.md",
        verdict=reach_verdict(run.scores).text,
        scores=run.scores,
        slots=[slot for slot in NOTES_ORDER if slot in run.record.decisions],
        why=why,
        describe_trials=describe_trials,
        format_estimate=format_estimate,
        fairness=fairness,
        rates=RATES,
        errors=ERRORS,
        estimate=estimate,
        sentences=sentences,
        limits=list(_limits(run)),
        directory=shlex.quote(run.directory.name),
    )
    return f"---\n{_metadata(run)}---\n\n{text}" if form == "huggingface" else text


def datasheet(run: Run) -> str:
    """Write a datasheet of the dataset of a run: only what its record and checks contain.

    Args:
        run: The finished run.

    Returns:
        The datasheet as Markdown; names and values from the data are escaped.

    Raises:
        RunError: If a file of the run is missing or was altered.

    Examples:
        >>> from executor import Run, datasheet
        >>> print(datasheet(Run("runs/titanic-1")).splitlines()[0])  # doctest: +SKIP
        # Datasheet of titanic.csv
    """
    none = record_value(NOT_APPLICABLE)
    facts = {
        name: fact
        for name, fact in run.record.facts.items()
        if name in FACTS and FACTS[name].slot is None and fact.value != none
    }
    words = run.plan.request.words()
    return _render(run, "datasheet.md", columns=list(_columns(run)), facts=facts, request=_options(words))


def _render(run: Run, template: str, **values: object) -> str:
    """Render a template without runs of empty lines."""
    text = (
        environment("executor.runs.report.cards")
        .get_template(template)
        .render(
            run=run,
            record=run.record,
            signature=run.signature,
            summary=run.summary,
            vocabulary=FACTS,
            number=number,
            quantity=quantity,
            **values,
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _options(words: Sequence[str]) -> dict[str, str]:
    """Options of a request with their values, from the words of a command."""
    found: dict[str, list[str]] = {}
    for option, value in zip(words[::2], words[1::2], strict=True):
        found.setdefault(option, []).append(value)
    return {option: ", ".join(values) for option, values in found.items()}


def _limits(run: Run) -> Iterator[str]:
    """What the record says against the model: alerts of checks, missing classes, a reduced or unfinished training."""
    yield from (check.message for check in run.guardrails if check.status == "alerted")
    yield from run.scores.missing_classes
    if run.scores.cut_off is not None:
        yield f"The {run.scores.cut_off.extent}."
    if run.summary.reduction:
        yield run.summary.reduction
    if run.summary.next_steps is not None:
        yield from (f"Next step: {step.advice}." for step in run.summary.next_steps.steps)


def _columns(run: Run) -> Iterator[dict[str, str]]:
    """Name, role, kind, type and missing share of each column."""
    signature, reference = run.signature, run.reference
    read = {column.name: column for column in signature.columns}
    missing = {}
    for one in () if reference is None else reference.columns:
        rows = sum(one.counts.values() if isinstance(one.counts, dict) else one.counts) + one.missing
        missing[one.column] = f"{100 * one.missing / (rows + getattr(one, 'others', 0)):.1f} %"
    for name, kind in run.record.dataset.kinds.items():
        role = "target" if name in signature.targets else "time" if name == signature.time_column else "unused"
        if name in read and role == "unused":
            role = "entity" if name == signature.entity_column else "feature"
        reading = run.plan.readings.get(name)
        storage = read[name].storage if name in read else "" if reading is None else reading.storage
        yield {
            "name": name,
            "role": role,
            "kind": kind,
            "storage": storage,
            "missing": missing.get(name, "not measured"),
        }


def _metadata(run: Run) -> str:
    """Front matter of a Hugging Face model card as YAML."""
    from ruamel.yaml import YAML  # noqa: PLC0415  for this form only

    task, modality = run.signature.task, str(run.record.facts["modality"].value)
    pipeline = PIPELINES.get((modality, task.is_classification))
    scores = {run.scores.metric: run.scores.hold_out.value} | {
        name: value for name, value in run.scores.others.items() if name != run.scores.metric
    }
    metrics = [{"type": name, "value": value, "name": name} for name, value in scores.items() if value is not None]
    if metrics and metrics[0]["type"] == run.scores.metric:
        metrics[0]["name"] = " ".join(f"{run.scores.metric} {format_estimate(run.scores.hold_out)}".split())
    kind = {"type": pipeline or task.value.replace("_", "-")}
    name = run.record.dataset.name
    data = {"type": re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "dataset", "name": name, "split": "hold-out"}
    content: dict[str, Any] = {
        "library_name": "keras",
        "tags": ["pcwat", task.value.replace("_", "-")],
        **({} if pipeline is None else {"pipeline_tag": pipeline}),
        "metrics": [str(one["type"]) for one in metrics],
        "model-index": [{"name": run.directory.name, "results": [{"task": kind, "dataset": data, "metrics": metrics}]}],
    }
    yaml, written = YAML(typ="safe"), io.StringIO()
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # likewise
    yaml.dump(content, written)
    return written.getvalue()

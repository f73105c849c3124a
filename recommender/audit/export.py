"""Export of decisions as a self-contained document: Markdown, HTML, JSON or W3C PROV."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from recommender.audit.explain import explain
from rules.text.numbers import number, quantity
from rules.text.templating import environment
from rules.vocabulary.choices.slot import NOTES_ORDER
from rules.vocabulary.facts import FACTS

if TYPE_CHECKING:
    from recommender.audit.explain import Explanation
    from recommender.audit.subject import Subject

FORMS: Final = ("markdown", "html", "json", "prov")
NAMESPACE: Final = "urn:pcwat:"


def export(subject: Subject, form: str) -> str:
    """Document in one of FORMS."""
    explanations = explain(subject, NOTES_ORDER)
    if form == "json":
        return json.dumps(_as_json(subject, explanations), indent=2, ensure_ascii=False) + "\n"
    if form == "prov":
        return to_prov(subject, explanations) + "\n"
    template = environment("recommender.audit").get_template("decision.html" if form == "html" else "decision.md")
    return template.render(
        record=subject.record,
        explanations=explanations,
        vocabulary=FACTS,
        number=number,
        quantity=quantity,
        assumptions=assumptions(subject),
    )


def assumptions(subject: Subject) -> list[str]:
    """Assumptions of the decisions: what was inferred, estimated, or could not be measured."""
    seen, request = subject.record.dataset, subject.record.request
    found = [
        f"Target: {', '.join(seen.targets)} ({seen.target_reason}).",
        f"The task is {seen.task}: {seen.task_reason}.",
    ]
    inferred = [column for column in seen.kinds if column not in request.kinds]
    if inferred:
        found.append(f"The kinds of {len(inferred)} of {len(seen.kinds)} columns were inferred from their values.")
    estimated = [name for name, fact in subject.record.facts.items() if fact.low is not None]
    if estimated:
        found.append(f"Estimated, with 95 % intervals: {', '.join(estimated)}.")
    unknown = [name for name, fact in subject.record.facts.items() if fact.value == "unknown"]
    if unknown:
        found.append(f"Could not be measured: {', '.join(unknown)}.")
    budget = subject.record.facts["trial_budget"]
    found.append(f"The budget allows {number(budget.value)} trials: {budget.source}.")
    return found


def _as_json(subject: Subject, explanations: tuple[Explanation, ...]) -> dict[str, Any]:
    return {
        "record": subject.record.model_dump(mode="json", exclude={"decisions"}),
        "assumptions": assumptions(subject),
        "decisions": [one.model_dump(mode="json") for one in explanations],
    }


def to_prov(subject: Subject, explanations: tuple[Explanation, ...]) -> str:
    """Provenance as PROV-JSON: the data, its profile, the rules and users that decided, and the choices."""
    from prov.model import ProvDocument  # noqa: PLC0415  for this form only

    record = subject.record
    document = ProvDocument()
    document.set_default_namespace(NAMESPACE)
    document.add_namespace("pcwat", NAMESPACE)
    software = document.agent("pcwat", {"prov:type": "prov:SoftwareAgent", "pcwat:version": record.version})
    data = document.entity("dataset", {"prov:label": record.dataset.name, "pcwat:digest": record.dataset.digest})
    profiling = document.activity("profiling", endTime=record.created)
    deciding = document.activity("deciding", endTime=record.created)
    facts = document.entity("facts", {f"pcwat:{name}": str(fact.value) for name, fact in record.facts.items()})
    bundle = document.entity("bundle", {"pcwat:seal": record.seal})
    document.used(profiling, data)
    document.wasGeneratedBy(facts, profiling)
    document.used(deciding, facts)
    document.wasDerivedFrom(facts, data)
    for activity in (profiling, deciding):
        document.wasAssociatedWith(activity, software)
    for layer, digest in record.book.layers.items():
        document.used(deciding, document.entity(_name("book", layer), {"prov:label": layer, "pcwat:digest": digest}))
    for one in explanations:
        attributes = {
            "prov:label": one.choice,
            "pcwat:by": one.by,
            "pcwat:because": one.because,
            "pcwat:place": one.place,
        }
        choice = document.entity(_name("choice", one.slot.value), attributes)
        document.wasGeneratedBy(choice, deciding)
        document.hadMember(bundle, choice)
        pin = record.decisions[one.slot].pin
        if pin is not None:
            person = document.agent(_name("person", pin.author or "unnamed"), {"prov:type": "prov:Person"})
            document.wasAttributedTo(choice, person)
    return str(document.serialize(format="json", indent=2))


def _name(kind: str, name: str) -> str:
    """Identifier of letters, digits and hyphens."""
    return f"{kind}-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)

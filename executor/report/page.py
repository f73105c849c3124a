"""The page of a run: the answer first, then why, the data, the search, the model's mistakes, and how to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.report.confusion import confusion
from executor.scoreboard import ENDINGS, value_of
from executor.trials.journal import Journal
from recommender.audit.explain import explain
from recommender.audit.subject import Subject
from recommender.manifest import RECORD, Manifest
from recommender.render import NOTES_ORDER, number, quantity
from rules.facts import FACTS
from rules.templating import environment

if TYPE_CHECKING:
    from executor.run import Run


def page(run: Run) -> str:
    """The report of a finished run as HTML. Names and values from the data are escaped.

    Raises RunError on a file of the run that is missing or damaged, BookError where its rules cannot be read again.
    """
    record = run.record
    subject = Subject(record=record, path=run.directory / RECORD, layers=tuple(record.book.layers))
    return (
        environment("executor.report")
        .get_template("report.html")
        .render(
            run=run,
            record=record,
            scores=run.scores,
            summary=run.summary,
            explanations=explain(subject, [slot for slot in NOTES_ORDER if slot in record.decisions]),
            trials=Journal(run.directory).outcomes,
            confusion=confusion(run),
            ended_by=ENDINGS[run.summary.stopped_by],
            manifest=Manifest.read(run.directory),
            vocabulary=FACTS,
            number=number,
            quantity=quantity,
            value_of=value_of,
        )
    )

"""The report of a run: one HTML page without scripts that opens offline.

- `cli`: The verbs `recommend report` and `recommend runs`.
- `page`: The page and its sections.
- `plots`: Plots, one module per family.
- `templates`: HTML templates, one per section.
- `write`: Writes the report at the end of a training; failures are logged, never raised.
- `reproduce`: The command that reproduces a run.
- `groups`: Scores of groups of rows: `--by COLUMN`.
- `cards`: Model card and datasheet as Markdown.
- `fairness`: Fairness figures of groups of rows.
- `hold_out_predictions`: Predictions of the hold-out, from predictions.csv.
- `explanation_page`: The page of `recommend explain`.
- `compare`: Comparison of runs.
- `listing`: List of the runs in a folder.

Writing it needs no network and no TensorFlow.
"""

from executor.runs.report.plots.altair_import import keep_docstrings

keep_docstrings()

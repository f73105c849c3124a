"""A run as one HTML page that needs nothing beside it: no script, no network, no TensorFlow to write it."""

from executor.runs.report.plots.altair_import import keep_docstrings

keep_docstrings()

"""The verbs `recommend train`, `recommend predict`, `recommend rules measure` and `recommend rules scorecard`.

- `commands`: The commands `train` and `predict`.
- `measure`: The commands `rules measure` and `rules scorecard`.
- `progress_line`: The progress line: trial, best score, elapsed and remaining time.
"""

"""The verbs `recommend train`, `predict`, `export`, `serve`, `rules measure` and `rules scorecard`.

- `commands`: The commands `train` and `predict`.
- `export`: The command `export`.
- `measure`: The commands `rules measure` and `rules scorecard`.
- `serve`: The command `serve`.
- `progress_line`: The progress line: trial, best score, elapsed and remaining time.
"""

"""The verbs `recommend train`, `predict`, `export`, `serve`, `rules measure` and `rules scorecard`.

- `commands`: The commands `train` and `predict`.
- `export`: The command `export`.
- `measure`: The commands `rules measure` and `rules scorecard`.
- `serve`: The command `serve`.
- `open_model`: The run or the exported model in a directory.
- `progress_line`: The progress line: trial, best score, elapsed and remaining time.
"""

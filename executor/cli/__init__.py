"""The verbs `recommend train`, `predict`, `compare`, `export`, `serve`, `rules measure` and `rules scorecard`.

- `compare`: The command `compare`.
- `commands`: The commands `train` and `predict`.
- `export`: The command `export`.
- `measure`: The commands `rules measure` and `rules scorecard`.
- `serve`: The command `serve`.
- `open_model`: The run or the exported model in a directory.
- `progress_line`: The progress line: trial, best score, elapsed and remaining time.
"""

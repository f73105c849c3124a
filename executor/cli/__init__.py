"""The verbs of `recommend` that read or train a model, and `rules measure` and `rules scorecard`.

- `compare`: The command `compare`.
- `commands`: The commands `train` and `predict`.
- `explain`: The command `explain`.
- `export`: The command `export`.
- `card`: The command `card`.
- `fairness`: The command `fairness`.
- `measure`: The commands `rules measure` and `rules scorecard`.
- `plan`: The command `plan`.
- `serve`: The command `serve`.
- `open_model`: The run or the exported model in a directory.
- `table_file`: Tables as .csv, .tsv and .parquet files.
- `progress_line`: The progress line: trial, best score, elapsed and remaining time.
"""

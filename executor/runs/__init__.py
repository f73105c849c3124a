"""The run directory: its files, and what is shown of them.

- `run`: `Run`: reads a finished run, and predicts.
- `files`: Names, reading and writing of the files of a run.
- `plan`: plan.json: the request and the settings of a run; its dataset, opened again.
- `delivery`: The rows that trained the delivered model.
- `summary`: summary.json: the search in numbers.
- `feature_plan`: features.json: how many random features of sequences are used, and why.
- `seal`: The seal of a finished run.
- `scoreboard`: The result of a training on a terminal.
- `prediction_file`: Files of predictions: predictions.csv, and those of new rows, written part by part.
- `drift`: Drift of the hold-out and of new rows against the training rows.
- `export`: Exported models, and their predictions without TensorFlow.
- `serving`: The HTTP server of `recommend serve`.
- `report`: The HTML report, and the verbs `recommend report` and `recommend runs`.
"""

"""The pipeline of a training.

- `train`: `train()` and `resume()`.
- `estimators`: `PcwatClassifier`, `PcwatRegressor` and `PcwatForecaster`, with the interface of scikit-learn.
- `prepare`: The recommendation, the run directory and the plan, before anything is trained.
- `execute`: The stages of a run, in order.
- `encoding`: The rows as networks read them.
- `select`: The network that is kept.
- `finalize`: The model as it is saved.
- `evaluate_hold_out`: Its evaluation on the hold-out, with baselines and importance.
- `deliver`: The delivered model, trained again on all rows.
- `seal`: The summary and the manifest.
- `continuation`: A run that trains the model of another run further, on new rows.
- `tracking`: Copies of a finished run in MLflow and TensorBoard.
- `measurement`: Trainings of choices against their alternatives on a corpus, for `recommend rules measure`.
"""

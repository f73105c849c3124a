"""Copies of a finished run in experiment trackers.

- `track`: `--track mlflow[:URI]` and `--track tensorboard[:DIR]`, and their failures as warnings.
- `tensorboard_events`: Epochs of each trial as TensorBoard events.
- `mlflow_run`: Parameters, metrics and files of a run in MLflow.
- `pyfunc_model`: The model of a run as an MLflow pyfunc model.
"""

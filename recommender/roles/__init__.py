"""Roles of columns: target, features, time, entity and split; their kinds and the task.

- `infer`: Infers the roles, unless the user sets them.
- `roles`: The roles, each with its reason.
- `target_proposal`: Proposes a target.
- `tasks`: The task that a target's values indicate.
- `infer_kind`: The kind of a column, from its measured values.
- `column_kinds`: The kind of each column of a dataset.
- `letter_sequences`: Recognizes sequences of letters, such as genes and proteins.
- `time_order`: Recognizes the time column and order in time.
- `horizon`: Horizon, season and known columns of a forecast.
- `checks`: Checks that a column can have the role that the user gives it.
"""

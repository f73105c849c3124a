"""Series as rows.

- `regular_steps`: Fills missing steps of a series.
- `lag_plan`: Lags and horizon of a forecast.
- `lag_table`: A series as a table of lags.
- `rolling_split`: The split of a forecast.
"""

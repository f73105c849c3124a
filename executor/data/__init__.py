"""Raw rows: read, resampled, windowed and split.

- `raw_table`: Rows as a model reads them: numbers and times as float64, categories as text.
- `row_arrays`: Selection and concatenation of the rows of arrays.
- `read_rows`: Reads rows of a dataset with SQL.
- `images`: Images as rows, in memory or in a file.
- `labels`: Types and spellings of class labels.
- `split`: Training, validation and hold-out rows.
- `rolling_split`: The split of a forecast.
- `duplicates`: Duplicate rows, which stay in one part of the split.
- `regular_steps`: Fills missing steps of a series.
- `lag_plan`: Lags and horizon of a forecast.
- `lag_table`: A series as a table of lags.
- `time_zones`: Times of a forecast in the time zone of the data.
- `frames`: Predictions as the kind of table that the rows came in.
"""

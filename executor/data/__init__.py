"""Raw rows: read, resampled, windowed and split.

- `raw_table`: Rows as a model reads them: numbers and times as float64, categories as text.
- `row_arrays`: Selection and concatenation of the rows of arrays.
- `read_rows`: Reads rows of a dataset with SQL.
- `images`: Images as rows, in memory or in a file.
- `stored_rows`: Rows on disk: columns of a table, and encoded rows.
- `series`: Series as rows: regular steps, lags and their split.
- `labels`: Types and spellings of class labels.
- `split`: Training, validation and hold-out rows.
- `duplicates`: Duplicate rows, which stay in one part of the split.
- `time_zones`: Times of a forecast in the time zone of the data.
- `frames`: Predictions as the kind of table that the rows came in.
"""

"""A dataset: files and tables in memory, read into one table in DuckDB.

- `address`: Addresses of datasets: local paths, tables of databases, and URLs of files.
- `dataset`: The table, its source and its columns.
- `readers`: One reader per file format.
- `memory`: Memory that DuckDB may use.
- `column_names`: What the name of a column indicates about its content.
- `column_summary`: Counts, ranges and distinct values of all columns.
- `statistics`: Intervals and tail probabilities.
- `sql`: Parts of SQL queries: identifiers, classes and times.
- `time_steps`: Steps between times: seconds, calendar months and business days.
- `split_names`: Names of the parts of a split column.
- `split_shares`: Shares of training, validation and hold-out rows.
- `writing_systems`: Unicode scripts that are written without spaces between words.
- `digest`: The digest of a dataset.
"""

"""A dataset: files and frames read into one table in DuckDB."""

"""Measurements of a dataset, each a pure function of a table in DuckDB or of numbers."""

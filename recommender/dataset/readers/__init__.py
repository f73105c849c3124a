"""One module a format family; each fills the table `dataset` of a DuckDB connection."""

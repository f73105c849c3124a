"""File formats, one module each.

- `delimited`: CSV and TSV.
- `json_lines`: JSON lines.
- `arrays`: NumPy archives as rows: images or sequences, with one value per row from each other array.
- `workbook`: Sheets of Excel and OpenDocument.
- `database`: Tables of SQLite and DuckDB files.
- `typed_columns`: Columns of Python values as the table `dataset`.
- `npz`: NumPy archives as arrays, checked before memory is allocated.
- `sequences`: Sequences from an array or from the rows of a long table.
- `frame`: pandas, polars and Arrow tables in memory.
- `parquet_schema`: The Arrow schema in a Parquet file.
- `gzipped`: Compressed files, unpacked once to a temporary copy.
"""

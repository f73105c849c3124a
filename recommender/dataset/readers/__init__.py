"""Readers: each fills the table `dataset` of a DuckDB connection.

- `table`: Selects the reader for a path or a table in memory.
- `formats`: One module per file format.
- `images`: Image files, and folders and archives of images.
- `types`: Types of text columns: numbers, times and missing values.
- `file_set`: Files of a pattern or a partitioned folder, read as one table.
- `row_parts`: Tables in files that are read in parts, and random samples of large ones.
- `files`: Files of a folder or an archive, by name.
- `remote`: Files of web servers and stores, downloaded while they are read.
- `postgres`: Tables and queries of a PostgreSQL server.
- `text`: Text files in UTF-8 with one kind of line ending.
- `distinct_names`: Distinct names of columns.
- `bounds`: Limits on the expanded size of files.
- `unchanged`: Detects files that change while they are read, and digests them.
"""

"""Types of text columns: numbers, times and missing values.

- `settle`: Sets the type of each text column from all of its rows.
- `reading`: Type, number format, date format and missing values of a column.
- `times`: Formats of dates and times.
"""

"""Types of text columns: numbers, times and missing values.

- `settle`: Sets the type of each text column from all of its rows.
- `reading`: How a column was read: type, number format, date format and missing values.
- `times`: Formats of dates and times.
"""

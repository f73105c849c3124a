"""The types of text columns: numbers, times and missing values."""

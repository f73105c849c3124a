"""The verbs `recommend train` and `recommend predict`.

- `commands`: The commands and their options.
- `progress_line`: The progress line: trial, best score, elapsed and remaining time.
"""

"""The search: ask an oracle for trials, train them, report their outcomes."""

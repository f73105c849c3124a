"""Rulebooks: rules and constraints, read from YAML files.

- `rule`: A rule, a constraint, and a disabled rule.
- `rulebook`: Finds, reads, merges and hashes the layers of a book.
- `rule_file`: Reads and checks one YAML file of a book.
- `parsed_books`: The shipped books as parsed JSON, because parsing YAML is slow.
- `project_settings`: The project's settings file: additional books and default options of commands.
"""

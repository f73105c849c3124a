"""The verb `recommend rules`, and what all commands share.

- `commands`: The subcommands of `recommend rules`: list, show, table, check, test, coverage, diff, new, schema, docs,
  export.
- `ci_formats`: Findings as SARIF and JUnit XML.
- `entry_points`: Command groups to which other packages add commands.
- `output`: Output formats, verbosity options and exit codes of every command.
- `parameters`: Parameter types that several subcommands take.
- `render`: Rules, findings, coverage and differences on a terminal.
- `schema`: JSON Schemas of a rulebook, a bundle and an audit record.
"""

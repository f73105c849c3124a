"""Decisions: from facts and a proved rulebook to choices, with their trace and audit record.

- `request`: The user's request about a dataset: target, task, column roles, and how files are read.
- `option`: Command-line options of the fields of a request.
- `engine`: The choice for each slot, decided by the rules.
- `trace`: A decision with its trace, and `Pin`, a choice that the user makes.
- `record`: The audit record, sealed so that a change is detected.
- `former_record`: Reads records of earlier versions.
- `meanings`: The meaning of each fact, in words.
- `counterfactual`: The smallest change of facts that changes a choice.
- `data_changes`: Changes of data or budget that a user could make, as changes of facts.
- `decision_table`: A slot as a decision table, and docs/rules.md.
- `dmn`: A rulebook as decision tables in DMN 1.3.
- `difference`: The exact difference of two rulebooks.
- `reachability`: Where a rule decides: for datasets, under pins only, or without other layers only.
"""

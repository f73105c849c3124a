"""The proof that a rulebook makes exactly one choice per slot for every dataset.

- `coverage`: How well the examples in a rulebook test its rules.
- `proof`: Finds conflicts, gaps, and rules that never decide.
- `proved_book`: A rulebook with its proof; loads and proves the layers of a book.
- `fact_space`: Fact space cut into finitely many cells, and sets of cells as disjoint boxes.
- `decision_regions`: The regions of fact space in which the same rules decide.
- `reach`: The datasets that each rule decides.
- `regions`: Boxes of fact space in words.
- `findings`: Errors that a proof reports, each with a dataset that shows it.
- `new_rule`: Adds a rule to a user's book, with its overrides and tests.
"""

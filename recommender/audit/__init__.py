"""The verb `recommend audit`: questions about a run, an audit record or a dataset.

- `cli`: The subcommands of `recommend audit`.
- `subject`: The subject of a question: a run, a record, or a dataset.
- `explain`: Explains a choice: the rule that decided, its margins, and the rules that lost.
- `question`: Answers why-not and what-if questions.
- `dependent_facts`: Facts that change when another fact is set in a what-if question.
- `templates`: Templates of exported documents.
- `reach`: Parts of a network on which a choice has no effect, or an effect that its name does not suggest.
- `replay`: Decides an old record again, with today's rules and measurements.
- `verify`: Checks the integrity of a record and of the files that it names.
- `sign`: Signs a run with a key, and checks its signature.
- `export`: Writes a decision as Markdown, HTML, JSON or W3C PROV.
- `explore`: The page of `rules.explore`, started with the facts of the subject.
- `render`: Answers on a terminal.
"""

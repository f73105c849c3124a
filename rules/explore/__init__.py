"""A page that evaluates rulebooks in the browser, for teaching and review.

- `content`: Data of the page: facts, rules, choices, measurements and starting points.
- `books`: Rulebooks that the page offers.
- `presets`: Starting points: the configurations of the strategy notes, and the shipped examples.
- `examples.json`: Facts of the shipped examples.
- `page`: The page as one self-contained HTML file.
- `modules`: JavaScript of the page; `modules/engine.mjs` decides as `rules.decision.engine` does.
- `templates`: HTML and style sheet of the page.
"""

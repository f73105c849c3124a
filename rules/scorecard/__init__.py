"""What each choice of a rule is worth: measured trainings, effects with intervals, and the scorecard.

- `results`: Trainings of `recommend rules measure`: their format and their files.
- `effects`: Effects of choices on the error, with intervals by bootstrap.
- `decide_again`: What a book decides for measured datasets, from their recorded facts.
- `scorecard`: The scorecard of a rulebook: the effects of each rule, and the regret of each slot.
- `sensitivity`: Shares of the variance of scores that hyperparameters explain.
- `spread`: Spread of the error between the alternatives of a choice.
- `tuners`: Errors of replayed searches.
- `handbook`: Rules compared with the handbook.
- `score`: Its computation from results.
- `shipped`: The scorecard of the shipped rules.
- `page`: The scorecard as Markdown.
"""

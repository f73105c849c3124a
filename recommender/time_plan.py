"""How a time limit is divided between the search and the stages after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVED_SECONDS: Final = 4.5
"""To save the model and score the hold-out, 0.4 to 1.5 s on tables of 891 to 48,842 rows, to fit the baselines, of
which gradient boosting takes 0.2 to 2 s on them, and for permutation importance and the report. Stages that find no
time left are shortened or left out."""
RESERVED_SHARE: Final = 0.05  # of the limit
ENCODINGS: Final = 4  # times the seconds of encoding before the search: the hold-out is encoded, scored and compared
MIN_SECONDS_AFTERWARDS: Final = 1.5  # that saving, baselines and report take, on two cores
SECONDS_PER_NETWORK: Final = 0.3  # of a trial in folds, to build, save and load it, beyond the first; on two cores
MAX_RESERVED_SHARE: Final = 0.5  # of the limit: a tiny one is still spent on training for one half
ITERATIONS: Final = 40  # of a limit that is at most doubled by its reserve: the last one adds under 1e-12 of it
RETRAINING_SHARE: Final = 0.1  # of the limit, for seed variance and learning curve
MIN_RETRAINING_SECONDS: Final = 8.0  # of that; the graphs of a small table take 1.5 s each, most of it to compile
MIN_RETRAINING_LIMIT: Final = MIN_RETRAINING_SECONDS / RETRAINING_SHARE
USED_SHARE: Final = 0.85
"""Share of the remaining time for which a training is planned: machines slow down, and validation and saving take time
as well."""
SHORTENED_SHARE: Final = 0.3
"""Share of the planned epochs that a shortened training has at least, and that must fit for a training in folds: the
mean of five networks with 0.3 of the epochs has a lower error than one with all (docs/evidence.md#folds-or-epochs)."""
SEEDS: Final = (5, 3, 1)
"""Networks of a trial on all rows, the most that fit into the time: docs/evidence.md#all-rows."""
SAVE_SECONDS: Final = 1.0  # to write and check a model of one network, on two cores
ALL_ROWS_SHARE: Final = 0.15  # of the limit, to train the selected networks of a table on all rows
TF_IDF_SECONDS: Final = 3.0  # for the linear model on TF-IDF of texts, at least, where the limit is short
TF_IDF_SHARE: Final = 0.15  # of a longer limit: of 60 s 9; words of 11,293 posts of 20 groups took 1 s, their fit 7 s
UNLIMITED_TF_IDF_SECONDS: Final = 60.0  # where no time limit is set
SECONDS_PER_WORD: Final = 1.5e-7
"""Of the linear model on TF-IDF, per class, on two idle cores: 7 s for 11,293 posts of 200 words in 20 classes."""
TF_IDF_MARGIN: Final = 3.0  # times these seconds are reserved for a column of texts, on a slower machine
MIN_TF_IDF_SECONDS: Final = 1.0  # reserved for the few words of a column


@dataclass(frozen=True, kw_only=True)
class TimePlan:
    """Seconds of a time limit that are reserved for each stage after the search."""

    limit: float | None = None
    """Seconds of the whole run; None for no limit, with which nothing is reserved."""
    finishing: float = 0.0
    """Seconds reserved for saving the model, the hold-out, the baselines and the report."""
    retraining: float = 0.0
    """Seconds reserved for seed variance and learning curve."""
    refit: float = 0.0
    """Seconds reserved for training the chosen networks again on all rows; inf without a limit."""
    tf_idf: float = 0.0
    """Seconds reserved for the linear model on TF-IDF."""
    predictions: float = 0.0
    """Rows that a network predicts after the search, in multiples of the validation rows."""
    encoding: float = 0.0
    """Seconds that encoding the rows took."""
    boosting: float = 0.0
    """Seconds that gradient boosting takes where there is no limit."""
    refitted: int = 0
    """The maximum number of networks that are trained again on all rows."""
    extra_networks: int = 0
    """Networks of a trial beyond the first, which are built, saved and loaded after the search."""

    def reserve(self, prediction_seconds: float = 0.0) -> float:
        """Seconds that are reserved for the stages after the search.

        prediction_seconds: what a network takes for the validation rows.
        """
        if self.limit is None:
            return 0.0
        for_networks = self._for_networks(prediction_seconds)
        wanted = self.finishing + for_networks + self.retraining + self.refit + self.tf_idf
        return min(wanted, MAX_RESERVED_SHARE * self.limit)

    def expected_after_search(self, trial_seconds: float, prediction_seconds: float = 0.0) -> float:
        """Seconds that the stages after the search are expected to take, never more than is reserved for them.

        trial_seconds: of a trial on average.
        """
        expected = (
            MIN_SECONDS_AFTERWARDS
            + ENCODINGS * self.encoding
            + self._for_networks(prediction_seconds)
            + self.retraining
        )
        again = self.refitted * trial_seconds
        if self.limit is None:
            return expected + again + self.boosting
        return min(expected + self.tf_idf + min(again, self.refit), self.reserve(prediction_seconds))

    def _for_networks(self, prediction_seconds: float) -> float:
        """Seconds in which the networks are put together and predict."""
        return self.predictions * prediction_seconds + SECONDS_PER_NETWORK * self.extra_networks


def plan_time(
    limit: float | None,
    *,
    encoding: float = 0.0,
    predictions: float = 0.0,
    networks: int = 1,
    refit_share: float = 0.0,
    refitted: int = 0,
    words: float = 0.0,
    boosting: float = 0.0,
) -> TimePlan:
    """Divide a time limit, by the seconds that encoding took and the stages that a run has.

    networks: of a trial. refit_share: of the limit, for training the chosen networks again on all rows. words: of all
    training rows, times the classes, from which a linear model on TF-IDF is fitted as a baseline; 0 without texts, inf
    where they are not counted. The other arguments are fields of TimePlan.
    """
    seconds = limit or 0.0
    return TimePlan(
        limit=limit,
        finishing=max(RESERVED_SECONDS, RESERVED_SHARE * seconds, ENCODINGS * encoding),
        retraining=RETRAINING_SHARE * seconds if seconds >= MIN_RETRAINING_LIMIT else 0.0,
        refit=math.inf if limit is None else refit_share * seconds,
        tf_idf=_tf_idf_reserve(limit, words) if words else 0.0,
        predictions=predictions,
        encoding=encoding,
        boosting=boosting,
        refitted=refitted,
        extra_networks=networks - 1,
    )


def limit_for(search: float, plan: Callable[[float], TimePlan], *, prediction_seconds: float = 0.0) -> float:
    """The time limit with which a search may run for a number of seconds after the start of its run.

    plan: divides a limit, as `plan_time` does.

    >>> round(limit_for(30, plan_time), 6), round(limit_for(170, plan_time), 6)
    (34.5, 200.0)
    """
    limit = search
    for _ in range(ITERATIONS):
        limit = search + plan(limit).reserve(prediction_seconds)
    return limit


def _tf_idf_reserve(limit: float | None, words: float) -> float:
    """Seconds that are reserved for the linear model on TF-IDF."""
    return min(tf_idf_seconds(limit), max(MIN_TF_IDF_SECONDS, TF_IDF_MARGIN * SECONDS_PER_WORD * words))


def tf_idf_seconds(limit: float | None) -> float:
    """Seconds that the linear model on TF-IDF may take of a time limit."""
    return UNLIMITED_TF_IDF_SECONDS if limit is None else max(TF_IDF_SECONDS, TF_IDF_SHARE * limit)

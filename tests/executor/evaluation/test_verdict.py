"""The verdict: at most three sentences that say whether to use a model."""

from __future__ import annotations

import pytest

from executor.evaluation.scores import BaselineCost, BaselineScore, CostScore, CutOff, Estimate, Scores
from executor.evaluation.verdict import compared_scores, is_at_ceiling, reach_verdict
from rules.vocabulary.direction import Direction

BETTER, LEVEL, WORSE = (0.1, 0.3), (-0.1, 0.3), (-0.3, -0.1)
CUT_OFF = CutOff(trial=0, epochs=3, planned=256, seconds=130)


def scores(cut_off: CutOff | None = None, **gains: tuple[float, float]) -> Scores:
    """An accuracy; gains: the 95 % interval of the gain over each baseline."""
    return Scores(
        metric="accuracy",
        direction=Direction.MAX,
        validation=0.85,
        hold_out=Estimate(value=0.8, low=None, high=None),
        rows=100,
        resamples=1_000,
        others={},
        baselines={
            name.replace("_", " "): BaselineScore(
                says=f"<{name}>", value=0.5, gain=Estimate(value=(low + high) / 2, low=low, high=high)
            )
            for name, (low, high) in gains.items()
        },
        thresholds=(),
        has_signal=True,
        cut_off=cut_off,
        verdict="",
    )


@pytest.mark.parametrize(
    ("found", "kind", "sentences"),
    [
        (
            scores(constant=BETTER, linear=BETTER),
            "good",
            (
                "Use this model: it is better than every baseline.",
                "Its gain over <constant>, the best of them, is 0.2 (95 % interval 0.1 to 0.3).",
            ),
        ),
        (
            scores(constant=BETTER, linear=LEVEL),
            "doubtful",
            (
                "Use the linear model: it is simpler, and the network is not certainly better.",
                "The network's gain over the linear model is 0.1 (95 % interval -0.1 to 0.3).",
            ),
        ),
        (
            scores(constant=BETTER, gradient_boosting=LEVEL),
            "doubtful",
            (
                "Use this model or gradient boosting: they are level.",
                "The network's gain over gradient boosting is 0.1 (95 % interval -0.1 to 0.3).",
            ),
        ),
        (
            scores(constant=BETTER, gradient_boosting=LEVEL, linear=LEVEL, seasonal_naive=BETTER),
            "doubtful",
            (
                "Use the linear model: it is simpler, and the network is not certainly better.",
                "The network's gain over the linear model is 0.1 (95 % interval -0.1 to 0.3).",
                "The network is also level with gradient boosting.",
            ),
        ),
        (
            scores(constant=BETTER, linear=LEVEL, gradient_boosting=WORSE),
            "bad",
            (
                "Use gradient boosting instead: it is better by 0.2 (95 % interval 0.1 to 0.3).",
                "Keep the network only if you need one Keras model that reads raw rows.",
            ),
        ),
        (
            scores(constant=LEVEL, gradient_boosting=WORSE),
            "bad",
            (
                "Do not use this model: no signal was found, it is not certainly better than <constant>.",
                "Its gain is 0.1 (95 % interval -0.1 to 0.3).",
                "Gradient boosting is better by 0.2 (95 % interval 0.1 to 0.3).",
            ),
        ),
        (
            scores(constant=WORSE),
            "bad",
            ("Do not use this model: it is worse than <constant>.", "Its gain is -0.2 (95 % interval -0.3 to -0.1)."),
        ),
        (
            scores(CUT_OFF, constant=BETTER, linear=LEVEL, gradient_boosting=WORSE),
            "doubtful",
            (
                "Train again with --budget 3m: training was cut off after 3 of 256 planned epochs.",
                "So far it is not certainly better than the linear model and gradient boosting.",
            ),
        ),
        (
            scores(CUT_OFF, constant=BETTER),
            "good",
            (
                "Use this model: it is better than every baseline.",
                "Its gain over <constant> is 0.2 (95 % interval 0.1 to 0.3).",
                "Training was cut off after 3 of 256 planned epochs; a longer training (--budget 3m) may improve it.",
            ),
        ),
        (
            scores(),
            "doubtful",
            ("No verdict: accuracy is undefined on the hold-out, which is too small or has a single class.",),
        ),
    ],
)
def test_the_verdict_follows_from_the_intervals_of_the_gains(
    found: Scores, kind: str, sentences: tuple[str, ...]
) -> None:
    verdict = reach_verdict(found)
    assert (verdict.kind, verdict.sentences) == (kind, sentences)


@pytest.mark.parametrize("first", [BETTER, LEVEL, WORSE])
@pytest.mark.parametrize("others", [BETTER, LEVEL, WORSE])
@pytest.mark.parametrize("cut_off", [None, CUT_OFF])
def test_a_verdict_has_at_most_three_sentences(
    first: tuple[float, float], others: tuple[float, float], cut_off: CutOff | None
) -> None:
    names = ("seasonal_naive", "linear", "gradient_boosting", "nearest_neighbours", "exponential_smoothing")
    verdict = reach_verdict(scores(cut_off, constant=first, **dict.fromkeys(names, others)))
    assert 1 <= len(verdict.sentences) <= 3
    assert verdict.text.count(". ") + 1 <= 3


def test_of_unfinished_training_nothing_is_concluded_of_the_data() -> None:
    text = reach_verdict(scores(CUT_OFF, constant=LEVEL, gradient_boosting=WORSE)).text
    for conclusion in ("signal", "instead", "Do not use"):
        assert conclusion not in text


@pytest.mark.parametrize(("value", "at_ceiling"), [(0.99, True), (0.989, False)])
def test_a_score_of_99_percent_is_at_its_ceiling(value: float, at_ceiling: bool) -> None:
    found = scores(constant=BETTER).model_copy(update={"hold_out": Estimate(value=value, low=None, high=None)})
    assert is_at_ceiling(found) is at_ceiling


def test_an_error_is_at_its_ceiling_where_r_squared_is() -> None:
    found = scores(constant=BETTER).model_copy(update={"metric": "rmse", "direction": Direction.MIN})
    assert not is_at_ceiling(found.model_copy(update={"others": {"r2": 0.98}}))
    assert is_at_ceiling(found.model_copy(update={"others": {"r2": 0.995}}))
    of_an_earlier_version = {"r_squared": 0.995}
    assert is_at_ceiling(found.model_copy(update={"others": of_an_earlier_version}))


def with_costs(found: Scores, **costs: tuple[float, float, float]) -> Scores:
    """Scores with costs of the baselines: the value, and the interval of the saving over it. The model costs 0.4."""
    baselines = {
        name: BaselineCost(value=value, saving=Estimate(value=(low + high) / 2, low=low, high=high))
        for name, (value, low, high) in costs.items()
    }
    model = Estimate(value=0.4, low=0.3, high=0.5)
    return found.model_copy(update={"cost": CostScore(model=model, most_probable=0.6, baselines=baselines)})


def test_with_costs_the_verdict_compares_the_expected_cost_and_not_the_metric() -> None:
    better = scores(constant=BETTER, linear=BETTER)
    worse = with_costs(better, constant=(0.9, *BETTER), linear=(0.2, *WORSE))
    assert reach_verdict(worse).sentences == (
        "Use the linear model instead: it is better by 0.2 (95 % interval 0.1 to 0.3) in expected cost per row.",
        "Keep the network only if you need one Keras model that reads raw rows.",
    )
    saves = with_costs(scores(constant=WORSE, linear=WORSE), constant=(0.9, *BETTER), linear=(0.6, *BETTER))
    assert reach_verdict(saves).sentences == (
        "Use this model: it is better than every baseline.",
        "Its gain over the linear model, the best of them, is 0.2 (95 % interval 0.1 to 0.3) in expected cost per row.",
    )
    assert compared_scores(compared_scores(saves)) == compared_scores(saves)
    assert compared_scores(better) is better

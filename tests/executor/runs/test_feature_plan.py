"""What a run says of its random features."""

from __future__ import annotations

from executor.runs.feature_plan import FeaturePlan


def test_the_sentence_names_the_number_and_why() -> None:
    plan = FeaturePlan(planned=10_000, used=2_500, encodings=1_000, row_seconds=0.02, allowed_seconds=5.0)
    assert plan.sentence == (
        "MiniRocket: 2,500 instead of 10,000 features. All of them need about 20 s for 1,000 encodings of a row, but "
        "5 s of the time limit are for encoding."
    )
    assert FeaturePlan(planned=84, used=84, encodings=9).sentence == "MiniRocket: 84 features, as planned."

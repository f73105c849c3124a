import pytest
from scipy import stats

from recommender.dataset.statistics import chi_square_tail, ljung_box, wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (1, 10), (5, 10), (10, 10), (37, 16_368), (1, 1)])
def test_the_interval_of_a_share_is_scipys(hits: int, trials: int) -> None:
    expected = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    assert wilson_interval(hits, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 3, 7, 10, 25])
@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 9.5, 40.0, 800.0, 1e6])
def test_the_tail_of_chi_square_is_scipys(value: float, freedom: int) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-9, abs=1e-300)


def test_ljung_and_box_by_hand() -> None:
    # Q = 10 · 12 · (0.5² / 9 + 0.2² / 8) = 120 · (0.0277778 + 0.005) = 3.9333; P(chi² with 2 > Q) = exp(-Q / 2)
    assert ljung_box([0.5, 0.2], 10) == pytest.approx(0.13992, abs=1e-5)

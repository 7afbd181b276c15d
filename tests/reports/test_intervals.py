import pytest

from dfrec_jax.metrics import bootstrap
from dfrec_jax.reports import intervals


@pytest.mark.parametrize(
    ("low", "clusters", "text"), [(0.25, 6, "[0.25, 0.50]"), (None, 4, "[-]"), (None, 9, "[-]"), (None, None, "")]
)
def test_a_figure_that_should_have_an_interval_shows_a_dash_in_its_place(low, clusters, text):
    assert intervals.text(low, low and 2 * low, clusters, 2) == text


def test_the_reason_is_said_once_with_the_counts():
    assert intervals.reasons([]) == []
    assert intervals.reasons([4, 2, 4]) == [
        "`[-]`: no interval, since there are 2 or 4 people or groups to resample, and it takes 5."
    ]
    assert intervals.reasons([9]) == ["`[-]`: no interval, since more than one resample in twenty has no such figure."]
    (both,) = intervals.reasons([3, 9])
    assert "3 people" in both and "one resample in twenty" in both
    assert intervals.FEWEST == bootstrap.MIN_CLUSTERS

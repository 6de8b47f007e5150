import math

import pytest

from tricks_lib.lab.study import ACCURACY, ECE, NLL, POINT, STANDARD, TRAIN_LOSS, Metric
from tricks_lib.lab.study.metric import by_name


def test_a_metric_that_nobody_described_has_its_name_and_no_direction():
    plain = Metric("recent_loss")  # "ece" is part of the name, and means nothing
    assert (plain.label, plain.better, plain.unit, plain.smallest) == (
        "recent loss",
        None,
        "",
        None,
    )
    assert plain.scale == 1
    assert plain.axis == "recent loss"
    assert plain.show(0.5) == "0.500"


def test_the_metrics_of_every_run_say_what_is_better():
    told = {metric.name: (metric.better, metric.unit) for metric in STANDARD}
    assert told == {
        "accuracy": ("higher", "points"),
        "nll": ("lower", "nats"),
        "ece": ("lower", "points"),
        "train_loss": ("lower", "nats"),
    }
    assert STANDARD == (ACCURACY, NLL, ECE, TRAIN_LOSS)


def test_three_tenths_of_a_point_matter_unless_something_else_is_said():
    assert pytest.approx(0.003) == ACCURACY.smallest == Metric("share", unit="points").smallest
    assert Metric("share", unit="points", smallest=POINT).smallest == 0.01
    assert NLL.smallest is None
    assert Metric("nll", unit="nats", smallest=0.05).smallest == 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"better": "more"}, r"^better must be 'higher', 'lower' or None, got 'more'$"),
        ({"better": True}, r"^better must be 'higher', 'lower' or None, got True$"),
        ({"unit": "%"}, r"^unit must be 'points', 'nats' or '', got '%'$"),
        ({"unit": None}, r"^unit must be 'points', 'nats' or '', got None$"),
        ({"smallest": 0}, r"^smallest must be > 0, got 0$"),
        ({"smallest": -0.1}, r"^smallest must be > 0, got -0.1$"),
        ({"smallest": math.nan}, r"^smallest must be > 0, got nan$"),
    ],
)
def test_what_is_no_metric_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Metric("x", **arguments)


def test_shares_are_shown_in_per_cent_and_their_differences_in_points():
    assert ACCURACY.scale == 100
    assert ACCURACY.axis == "test accuracy (%)"
    assert ACCURACY.show(0.81) == "81.00 %"
    assert ACCURACY.show(0.81, 0.0141) == "81.00 ± 1.41 %"
    assert ACCURACY.show_gap(0.055, -0.0085, 0.1185) == "+5.50 [-0.85, +11.85] points"


def test_other_numbers_are_shown_as_they_are():
    assert NLL.axis == "test negative log-likelihood (nats)"
    assert NLL.show(0.55, 0.0707) == "0.550 ± 0.071"
    assert NLL.show_gap(0.05, -0.585, 0.685) == "+0.050 [-0.585, +0.685]"


def test_metrics_by_their_names():
    assert by_name([NLL, ECE]) == {"nll": NLL, "ece": ECE}
    assert by_name([]) == {}
    with pytest.raises(ValueError, match=r"^expected one metric of each name, got several of \['n"):
        by_name([NLL, ECE, Metric("nll")])

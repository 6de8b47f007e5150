import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricks_lib.schedules import linear_scaling, sqrt_scaling

rates = st.floats(1e-6, 1e3)
sizes = st.integers(1, 2**20)


def test_goyal_trains_8192_images_at_3_2():
    # arXiv:1706.02677, section 5.1: 0.1·kn/256
    assert linear_scaling(0.1, 8192) == pytest.approx(3.2, rel=1e-12)
    assert linear_scaling(0.1, 256) == 0.1
    assert sqrt_scaling(0.1, 1024) == pytest.approx(0.2, rel=1e-12)
    assert sqrt_scaling(0.1, 32, reference=128) == pytest.approx(0.05, rel=1e-12)


@pytest.mark.parametrize("scaling", [linear_scaling, sqrt_scaling])
@given(lr=rates, first=sizes, second=sizes, third=sizes)
def test_two_scalings_are_one(scaling, lr, first, second, third):
    by_way = scaling(scaling(lr, second, first), third, second)
    assert by_way == pytest.approx(scaling(lr, third, first), rel=1e-12)


@given(lr=rates, size=sizes, reference=sizes)
def test_what_each_rule_keeps(lr, size, reference):
    # k small steps move as far as one large step.
    steps = size / reference
    assert linear_scaling(lr, size, reference) == pytest.approx(steps * lr, rel=1e-12)
    # A mean over B gradients has 1/B of their variance, and a step lr² times that.
    noise = sqrt_scaling(lr, size, reference) ** 2 / size
    assert noise == pytest.approx(lr**2 / reference, rel=1e-12)


@pytest.mark.parametrize("scaling", [linear_scaling, sqrt_scaling])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 256), ValueError, "lr must be a number > 0, got 0"),
        ((-0.1, 256), ValueError, "lr must be a number > 0, got -0.1"),
        ((float("nan"), 256), ValueError, "lr must be a number > 0, got nan"),
        ((float("inf"), 256), ValueError, "lr must be a number > 0, got inf"),
        (("0.1", 256), TypeError, "lr must be a number > 0, got '0.1'"),
        ((0.1, 0), ValueError, "batch_size must be a whole number >= 1, got 0"),
        ((0.1, 256, 0), ValueError, "reference must be a whole number >= 1, got 0"),
        ((0.1, float("nan")), TypeError, "batch_size must be a whole number >= 1, got nan"),
        ((0.1, 256, None), TypeError, "reference must be a whole number >= 1, got None"),
    ],
)
def test_scaling_says_what_it_expected(scaling, arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        scaling(*arguments)


@pytest.mark.parametrize("scaling", [linear_scaling, sqrt_scaling])
def test_numbers_may_be_numpys(scaling):
    found = scaling(np.float64(0.1), np.int8(96), np.int8(32))  # their ratio would be a float16
    assert found == scaling(0.1, 96, 32)
    assert type(found) is float

import numpy as np
import pytest
import torch

from tricks_lib import Cutout, EarlyStopping, Mixup
from tricks_lib.ops.arguments import check_count, check_number

KINDS = [np.int8, np.uint8, np.int32, np.int64]


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_number_of_numpy_is_one(kind):
    check_count("size", kind(4))
    check_number("size", kind(4), 0, 5)
    assert Cutout(kind(4), holes=kind(2)) == Cutout(4, holes=2)
    assert EarlyStopping(patience=kind(3)) == EarlyStopping(3)


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_what_pythons_does(kind):
    images = torch.randint(256, (5, 3, 9, 8), dtype=torch.uint8)
    torch.manual_seed(0)
    expected = Cutout(4, holes=2)(images)
    torch.manual_seed(0)
    assert torch.equal(Cutout(kind(4), holes=kind(2))(images), expected)


@pytest.mark.parametrize("low", [0, 1, 2])
def test_a_count_has_a_smallest_value(low):
    check_count("holes", low, low)
    for value in (low - 1, np.int64(low - 1)):
        with pytest.raises(ValueError, match=f"holes must be a whole number >= {low}, got"):
            check_count("holes", value, low)


@pytest.mark.parametrize(
    "value",
    [True, np.bool_(True), 2.0, np.float64(2.0), "2", None, torch.tensor(2), (2,)],
    ids=repr,
)
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(TypeError, match="holes must be a whole number >= 1, got"):
        check_count("holes", value)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_number_of_numpy_is_one(kind):
    assert Mixup(alpha=kind(0.5)) == Mixup(alpha=0.5)
    with pytest.raises(ValueError, match="alpha must be a number > 0, got"):
        Mixup(alpha=kind("nan"))

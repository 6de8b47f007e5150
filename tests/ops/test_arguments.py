import numpy as np
import pytest
import torch

from tricks_lib import Cutout, EarlyStopping, Mixup
from tricks_lib.ops.arguments import as_rows, check_count, check_number

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


# --- Targets as rows or as labels ---


WHOLE = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("kind", WHOLE, ids=str)
def test_labels_become_rows(kind):
    rows = as_rows(torch.tensor([2, 0, 3], dtype=kind), 4)
    assert torch.equal(rows, torch.eye(4)[[2, 0, 3]])
    assert rows.dtype == torch.get_default_dtype()


def test_rows_come_back_as_they_are():
    rows = torch.rand(3, 4, dtype=torch.float64)
    assert as_rows(rows) is rows
    assert as_rows(rows, 4, batch=3) is rows


@pytest.mark.parametrize(
    ("targets", "settings", "error", "message"),
    [
        ([1, 2], {}, TypeError, "got list"),
        (torch.tensor([1, 2]), {}, TypeError, r"num_classes=K, got int64 \(2,\); .*as_collate"),
        (torch.tensor([1, 4]), {"num_classes": 4}, ValueError, r"classes 0 ... 3 .*got 1 ... 4"),
        (torch.tensor([-1, 2]), {"num_classes": 4}, ValueError, r"got -1 ... 2"),
        (torch.tensor([1, 2]), {"num_classes": 4, "batch": 3}, ValueError, "3 images, got 2"),
        (torch.ones(2, 5), {"num_classes": 4}, ValueError, r"\(B, 4\) for num_classes=4, got \(2"),
        (torch.ones(2, 5), {"batch": 3}, ValueError, "of 3 images, got 2 rows"),
        (torch.ones(2).bool(), {"num_classes": 2}, TypeError, "got bool"),
        (torch.ones(2, 5).long(), {"num_classes": 5}, TypeError, r"got int64 \(2, 5\)"),
        (torch.ones(2), {"num_classes": 5}, ValueError, r"got the shape \(2,\)"),
        (torch.tensor([1]), {"num_classes": 0}, ValueError, "num_classes must be a whole number"),
        (torch.tensor([1]), {"num_classes": 2.0}, TypeError, "num_classes must be a whole number"),
    ],
)
def test_what_is_neither_rows_nor_labels(targets, settings, error, message):
    with pytest.raises(error, match=message):
        as_rows(targets, **settings)


def test_targets_go_by_the_name_that_they_have():
    with pytest.raises(TypeError, match="teacher must be rows of probabilities"):
        as_rows(torch.tensor([1]), name="teacher")


def test_labels_become_rows_in_one_graph():
    torch.compiler.reset()
    compiled = torch.compile(as_rows, backend="aot_eager", fullgraph=True)
    labels = torch.tensor([2, 0, 3])
    assert torch.equal(compiled(labels, 4), torch.eye(4)[[2, 0, 3]])

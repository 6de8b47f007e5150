import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tricks_lib import Recipe, fit
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import code_hash, final_metrics, study
from tricks_lib.practice import measure
from tricks_lib.practice.measure import METRICS, pack, unpack, with_details

QUICK = Recipe(epochs=2, batch_size=16, lr=0.05)


@pytest.fixture(scope="module")
def made(toy):
    data = toy(train=64, test=50).hold_out(16)
    return fit(QUICK, data, device="cpu", evaluate="end"), data


def test_all_that_a_study_keeps_is_there_and_more(made):
    run, data = made
    found = with_details(run, data)
    assert final_metrics(run, data).items() <= found.items()
    assert found["train_accuracy"] == evaluate(run.model, data, "train").accuracy
    assert found["validation_accuracy"] == evaluate(run.model, data, "validation").accuracy
    assert found["curve"] == run.history.epoch_losses()
    assert len(found["curve"]) == 2


def test_the_confusion_counts_every_test_image_in_the_row_of_its_class(made):
    run, data = made
    found = with_details(run, data)
    confusion = torch.tensor(found["confusion"])
    assert confusion.sum(dim=1).tolist() == data.test.labels.bincount().tolist()
    assert confusion.diag().sum().item() / len(data.test) == pytest.approx(found["accuracy"])
    recall = confusion.diag() / confusion.sum(dim=1)
    assert found["balanced_accuracy"] == pytest.approx(recall.mean().item())


def test_rows_are_the_truth_and_columns_the_answers(made):
    run, data = made
    always = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    torch.nn.init.zeros_(always[1].weight)
    with torch.no_grad():
        always[1].bias.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0]))  # names class 2 for all
    found = with_details(replace(run, model=always), data)
    counts = data.test.labels.bincount().tolist()
    assert found["confusion"] == [[0, 0, count, 0] for count in counts]
    assert found["balanced_accuracy"] == 0.25


def test_what_was_answered_rightly_is_known_image_by_image(made):
    run, data = made
    found = with_details(run, data)
    right = unpack(found["right"], len(data.test))
    assert right.mean() == pytest.approx(found["accuracy"])
    by_class = torch.tensor(right)[data.test.labels == 1].sum().item()
    assert by_class == found["confusion"][1][1]


def test_answers_that_are_no_numbers_are_wrong(made):
    run, data = made
    broken = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    torch.nn.init.constant_(broken[1].weight, float("nan"))
    found = with_details(replace(run, model=broken), data)
    assert found["balanced_accuracy"] == 0
    assert not unpack(found["right"], len(data.test)).any()
    assert torch.tensor(found["confusion"]).sum() == 0


def test_without_a_validation_split_there_is_no_such_number(toy):
    data = toy(train=32)
    found = with_details(fit(QUICK, data, device="cpu", evaluate="end"), data)
    assert "validation_accuracy" not in found


def test_a_class_without_test_images_has_no_recall(toy):
    data = toy(train=32, test=2)  # of 4 classes
    found = with_details(fit(QUICK, data, device="cpu", evaluate="end"), data)
    assert found["balanced_accuracy"] == pytest.approx(found["accuracy"])


def test_of_many_training_images_some_are_looked_at(made, monkeypatch):
    run, data = made
    monkeypatch.setattr(measure, "MOST_TRAINING_IMAGES", 10)
    found = with_details(run, data)
    few = data.subset(train=10, seed=0)
    assert found["train_accuracy"] == evaluate(run.model, few, "train").accuracy


def test_of_many_classes_no_matrix_is_kept(made, monkeypatch):
    run, data = made
    monkeypatch.setattr(measure, "MOST_CLASSES", 3)
    assert "confusion" not in with_details(run, data)


def test_a_study_keeps_it_and_goes_on_with_it(toy, tmp_path):
    data, path = toy(train=32).hold_out(8), tmp_path / "runs.jsonl"
    asked = {"measure": with_details, "metrics": METRICS, "device": "cpu", "path": path}
    first = study({"baseline": QUICK}, data, 1, **asked)
    both = study({"baseline": QUICK}, data, 2, **asked)
    assert both.runs["baseline"][0] == first.runs["baseline"][0]
    assert both.metric("validation_accuracy").better == "higher"
    assert json.loads(json.dumps(both.runs["baseline"][1])) == both.runs["baseline"][1]


def test_what_it_does_is_known_by_a_hash():
    assert code_hash(with_details) == code_hash(with_details)
    assert code_hash(with_details) != code_hash(final_metrics)


@given(st.lists(st.booleans(), max_size=200))
def test_packing_loses_nothing(right):
    numbers = pack(torch.tensor(right, dtype=torch.bool))
    assert len(numbers) == -(-len(right) // 48)
    assert all(0 <= number < 2**48 for number in numbers)  # exact in every reader of JSON
    assert unpack(json.loads(json.dumps(numbers)), len(right)).tolist() == right

import pytest
import torch

from tricks_lib.practice.learnt import has_learnt

from .simulated import figures, result_of, simulated, some_data, with_accuracies

DOGS = some_data(("dogs", "cats"), counts=[97, 3])
PETS = some_data(each=100)


def answers(*runs, data=DOGS, **more):
    """A study of a baseline alone: what it answered to the test images, a list for each seed."""
    labels, classes = data.test.labels, data.num_classes
    return result_of(
        {"baseline": {seed: figures(labels, r, classes, **more) for seed, r in enumerate(runs)}}
    )


def named(first, second, data=DOGS):
    """So many of the images of each of two classes are answered rightly."""
    found = data.test.labels.clone()
    for label, right in enumerate((first, second)):
        found[(found == label).nonzero().flatten()[right:]] = 9  # for now
    return torch.where(found == 9, 1 - data.test.labels, found)


def test_who_tells_classes_apart_has_learnt():
    found = has_learnt(with_accuracies({"baseline": [0.8, 0.82]}), PETS)
    assert found.yes
    assert (found.test, found.share) == (pytest.approx(0.81), 0.5)
    assert "The baseline has learnt." in str(found)
    assert "81.00 %" in str(found)
    assert "50.00 %" in str(found)


def test_one_class_for_all_images_is_not_learning():
    """400 dogs against 12 cats: 97 % of the answers are right, and none is worth anything."""
    found = has_learnt(answers(named(97, 0), named(97, 0)), DOGS)
    assert not found.yes
    assert (found.test, found.share, found.balanced) == (pytest.approx(0.97), 0.97, 0.5)
    assert found.unbalanced
    assert "dogs has 97.00 %" in str(found)
    assert "Averaged over the classes, the baseline is right on 50.00 %" in str(found)
    assert "more images of the other classes" in str(found)


def test_rare_classes_found_at_some_cost_are_learning():
    found = has_learnt(answers(named(90, 3), named(92, 3)), DOGS)
    assert found.test < found.share
    assert found.yes
    assert "tells the classes apart" in found.reason


def test_rare_classes_named_at_random_are_not():
    """One of three cats found among ten animals called cats: luck does that."""
    assert not has_learnt(answers(named(88, 1), named(88, 1)), DOGS).yes


def test_luck_is_seldom_taken_for_learning():
    draws = torch.Generator().manual_seed(0)
    data = some_data(("dogs", "cats", "mice"), counts=[80, 15, 5])
    taken = 0
    for _ in range(300):
        order = torch.randperm(100, generator=draws)
        taken += has_learnt(answers(data.test.labels[order], data=data), data).yes
    assert 0 < taken / 300 < 0.08


@pytest.mark.parametrize(("right", "learnt"), [(117, True), (112, True), (111, False), (97, False)])
def test_better_than_one_class_means_more_than_chance(right, learnt):
    """Of 200 guesses between two classes, 112 or more are right in 5 % of all cases."""
    assert has_learnt(with_accuracies({"baseline": [right / 200] * 2}), PETS).yes == learnt


def test_the_least_accuracy_that_counts_is_told():
    needed = has_learnt(with_accuracies({"baseline": [0.5, 0.5]}), PETS).needed
    assert needed == 112 / 200
    few = some_data(each=2)
    found = has_learnt(with_accuracies({"baseline": [1.0, 1.0]}), few)
    assert found.needed > 1
    assert not found.yes
    assert "So few test images (4)" in str(found)


def test_what_to_change_depends_on_the_training_images():
    by_heart = has_learnt(with_accuracies({"baseline": [0.5, 0.5]}), PETS)
    assert "training images only" in str(by_heart)
    nothing = has_learnt(with_accuracies({"baseline": [0.5, 0.5]}, train_accuracy=0.5), PETS)
    assert "--epochs" in str(nothing)
    assert "--lr" in str(nothing)


def test_a_frozen_network_says_whether_there_is_something_to_learn():
    result = with_accuracies({"baseline": [0.5, 0.5]}, train_accuracy=0.5)
    assert "start from it (--pretrained)" in str(has_learnt(result, PETS, frozen=0.9))
    assert "look at some images" in str(has_learnt(result, PETS, frozen=0.51))
    better = has_learnt(with_accuracies({"baseline": [0.8, 0.8]}), PETS, frozen=0.95)
    assert better.yes
    assert "95.00 %" in str(better)
    assert "The frozen pretrained network knows more" in str(better)
    assert "knows more" not in str(
        has_learnt(with_accuracies({"baseline": [0.8, 0.8]}), PETS, frozen=0.8)
    )


def test_runs_that_diverged():
    runs = {"baseline": {0: None, 1: None}}
    found = has_learnt(result_of(runs, {"baseline": {0: 5, 1: 7}}), PETS)
    assert not found.yes
    assert "Every one of the 2 runs of the baseline diverged" in str(found)
    assert "--lr" in str(found)
    runs = {"baseline": {0: None, 1: {"accuracy": 0.9}}}
    found = has_learnt(result_of(runs, {"baseline": {0: 5}}), PETS)
    assert found.yes
    assert "1 of its 2 runs diverged" in str(found)


def test_runs_that_failed_alone_are_told():
    found = has_learnt(with_accuracies({"baseline": [0.5, 0.9, 0.95]}), PETS)
    assert found.yes
    assert found.failed == 1
    assert "1 of its 3 runs, taken alone" in str(found)


def test_how_it_fits_is_told():
    under = has_learnt(with_accuracies({"baseline": [0.7] * 2}, train_accuracy=0.7), PETS)
    assert "under-fits" in str(under)
    over = has_learnt(with_accuracies({"baseline": [0.7] * 2}, train_accuracy=1.0), PETS)
    assert "over-fits" in str(over)


def test_a_study_that_kept_less_is_read_too():
    found = has_learnt(result_of({"baseline": {0: {"accuracy": 0.9}, 1: {"accuracy": 0.9}}}), PETS)
    assert found.yes
    assert (found.train, found.balanced, found.validation) == (None, None, None)


def test_the_average_is_of_all_seeds():
    data = some_data(each=200)
    result = simulated({"baseline": 0.0}, data)
    assert has_learnt(result, data).validation == pytest.approx(
        result.mean("baseline", "validation_accuracy")
    )

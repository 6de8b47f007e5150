import pytest
import torch

from tricks_lib import CutMix, Mixup
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.mix import keep


def test_it_is_compared_at_equal_length_and_learning_rate(study):
    for name, recipe in study.PLAN.recipes.items():
        epochs = int(name.split(", ")[-1].removesuffix(" epochs"))
        assert (recipe.epochs, recipe.lr) == (epochs, study.LR[epochs])


def test_arms_are_what_they_are_called(study):
    mixes = {"none": keep, "mixup 0.2": Mixup(0.2), "mixup 1": Mixup(1.0), "cutmix 1": CutMix(1.0)}
    for name, recipe in study.PLAN.recipes.items():
        trick, _, augment = name.split(", ")[0].partition(" + ")
        assert recipe.mix == mixes[trick]
        assert (recipe.augment == study.CROP_AND_MIRROR) == (augment == "crop and mirror")


def test_the_learning_rates_are_the_best_of_the_recorded_search(study):
    groups = {
        epochs: [f"{epochs} epochs, lr {lr}" for lr in study.LEARNING_RATES]
        for epochs in study.DURATIONS
    }
    best = best_tries(study.SEARCH.recorded(), groups)
    assert best == {epochs: f"{epochs} epochs, lr {lr}" for epochs, lr in study.LR.items()}


def test_each_seed_draws_its_own_images_and_no_arm_sees_the_validation_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == 1000 and len(first.validation) == 1000
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)
    train, validation = (
        {image.numpy().tobytes() for image in split.images}
        for split in (first.train, first.validation)
    )
    assert not train & validation


def test_120_of_300_labels_are_wrong_and_those_for_the_temperature_are_right(study):
    noisy, right = study.NOISY_DATA(3), study.FEW_DATA(3)
    assert noisy.train.images.equal(right.train.images)
    assert (noisy.train.labels != right.train.labels).sum() == 120
    assert noisy.validation.labels.equal(right.validation.labels)


def test_switched_on_it_has_the_papers_smaller_alpha(switch):
    assert switch(BASELINE, None).mix == Mixup(alpha=0.2)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 8.0])
def test_the_limits_are_those_of_drawn_weights(entry, alpha):
    figures = entry.part("figures")
    torch.manual_seed(0)
    drawn = torch.distributions.Beta(alpha, alpha).sample((200_000,)).double()
    entropy = -(torch.xlogy(drawn, drawn) + torch.xlogy(1 - drawn, 1 - drawn))
    assert figures.highest_credit(alpha) == pytest.approx(
        torch.maximum(drawn, 1 - drawn).mean().item(), abs=2e-3
    )
    assert figures.floor(alpha) == pytest.approx(entropy.mean().item(), abs=2e-3)


def test_a_walk_begins_and_ends_at_training_images(entry, study):
    data, figures = study.FEW_DATA(0), entry.part("figures")

    def network(images):
        return images.flatten(1)[:, :10]

    network.parameters = lambda: iter([data.mean])
    answers = figures.walk(network, data, 3, 7)
    ends = data.normalize(data.train.images[[3, 7]])
    assert torch.allclose(answers[[0, -1]], network(ends).softmax(1), atol=1e-6)

import math

import pytest
import torch

from tricks_lib import Cutout, RandomErasing
from tricks_lib.augment import identity
from tricks_lib.course.baseline import BASELINE


def test_arms_differ_in_the_augmentation_alone(study):
    for plan, epochs in ((study.PLAN, 16), (study.LONG, 64)):
        for name, recipe in plan.recipes.items():
            assert recipe == study.recipe(study.AUGMENTS[name], epochs)


def test_lengths_and_learning_rates_are_those_of_chapter_09(study):
    from tricks_lib.course.chapters.mixup import study as mixup

    assert {epochs: mixup.LR[epochs] for epochs in study.LR} == study.LR
    ours = study.recipe(identity, 16)
    assert ours == mixup.recipe(mixup.keep, 16, study.LR[16])
    assert study.DATA.train == mixup.DATA.train


def test_cutout_hides_as_much_as_random_erasing(study):
    torch.manual_seed(0)
    white = torch.ones(40_000, 1, 28, 28)
    erased = [
        (trick(white) == 0).float().mean().item()
        for trick in (RandomErasing(fill=0), Cutout(study.EQUAL, fill=0))
    ]
    assert erased[0] == pytest.approx(0.102, abs=0.002)
    assert erased[1] == pytest.approx(0.106, abs=0.001)
    others = [Cutout(study.EQUAL + step, fill=0)(white) for step in (-2, 2)]
    for other in others:
        assert abs((other == 0).float().mean() - erased[0]) > abs(erased[1] - erased[0])


@pytest.mark.parametrize("fill", ["random", "mean", "black"])
def test_squares_are_whole_and_the_same_every_time(study, fill):
    data = study.DATA(0).subset(test=200)
    view, again, other = (study.hide_squares(data, fill, seed=seed) for seed in (0, 0, 1))
    assert view.test.images.equal(again.test.images)
    assert not view.test.images.equal(other.test.images)
    assert view.train is data.train and view.test.labels.equal(data.test.labels)
    changed = view.test.images != data.test.images
    assert changed.any(3).sum(2).amax() <= 14 and changed.any(2).sum(2).amax() <= 14
    white = study.replace(
        data, test=study.Split(torch.full_like(data.test.images, 255), data.test.labels)
    )
    hidden = study.hide_squares(white, fill).test.images != 255
    counts = hidden.sum((1, 2, 3))
    assert (counts == 196).all() if fill != "random" else (counts > 170).all()


def test_switched_on_it_is_the_papers(switch):
    assert switch(BASELINE, None).augment == RandomErasing(0.5, (0.02, 0.4), (0.3, 1 / 0.3))


@pytest.mark.parametrize("smallest", [0.2, 0.3, 0.7])
def test_the_shares_that_stand_are_those_of_the_formula(entry, smallest):
    shapes = entry.part("figures").shapes
    uniform, logarithmic = (shapes(smallest, 0.2, logarithmic=log) for log in (False, True))
    assert uniform.standing == pytest.approx(1 / (1 + smallest), abs=5e-3)
    assert logarithmic.standing == pytest.approx(0.5, abs=5e-3)


def test_rejection_is_that_of_the_integrals(entry):
    """The chance to fit and the mean area of those that do, by a sum over a fine grid of areas."""
    area = torch.linspace(0.02, 0.4, 200_001, dtype=torch.float64)
    of_logarithm = (area.reciprocal().log() / math.log(1 / 0.3)).clamp(max=1)
    of_ratio = ((1 / area - area) / (1 / 0.3 - 0.3)).clamp(max=1)
    for logarithmic, chance in ((True, of_logarithm), (False, of_ratio)):
        drawn = entry.part("figures").shapes(0.3, 0.4, logarithmic=logarithmic, count=400_000)
        assert drawn.rejected == pytest.approx(1 - chance.mean().item(), abs=2e-3)
        mean = ((area * chance).mean() / chance.mean()).item()
        assert drawn.mean_area == pytest.approx(mean, abs=1e-3)


def test_what_is_drawn_is_what_the_trick_draws(entry):
    torch.manual_seed(0)
    box = RandomErasing(p=1.0).draw((100_000, 1, 28, 28))
    expected = entry.part("figures").shapes(0.3, 0.4, logarithmic=True, side=28)
    assert (box.high * box.wide / 784).double().mean().item() == pytest.approx(
        expected.mean_area, abs=2e-3
    )


def test_the_middle_is_hidden_more_often_than_a_corner(entry):
    chances = entry.part("figures").coverage(RandomErasing(fill=0))
    assert chances[14, 14] > 3 * chances[0, 0] > 0
    torch.testing.assert_close(chances, chances.flip(0), rtol=0, atol=0.02)

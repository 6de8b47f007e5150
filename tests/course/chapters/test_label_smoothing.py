import pytest
import torch

from tricks_lib import LabelSmoothingLoss, mlp, supervised
from tricks_lib.course.baseline import BASELINE


def test_the_logit_gap_is_the_label_against_the_mean_of_the_others(study):
    logits = torch.tensor([[1.0, 5.0, 3.0], [0.0, 0.0, 6.0]])
    assert study.logit_gap(logits, torch.tensor([1, 2])).tolist() == [3.0, 6.0]


def test_tightness_is_within_over_between(study):
    points = torch.tensor([[0.0, 1.0], [0.0, -1.0], [4.0, 2.0], [4.0, -2.0]])
    # Within: (1 + 1 + 4 + 4)/4 = 2.5. The centres (0, 0) and (4, 0) lie 2 from their mean: 4.
    assert study.tightness(points, torch.tensor([0, 0, 1, 1])) == pytest.approx(2.5 / 4)


def test_softmax_sees_no_more_than_the_chosen_directions(study):
    torch.manual_seed(0)
    model = mlp(1, 4, hidden=(8,), size=4)
    seen = study.seen_by_softmax(model)
    assert seen.shape == (8, 3)
    points = torch.randn(5, 8)
    unseen = points - points @ seen @ seen.T
    answers = model[-1](unseen).softmax(1)
    torch.testing.assert_close(answers, model[-1].bias.softmax(0).expand(5, 4))


def test_all_settings_share_their_test_images(study):
    assert len({part.of_seed(0).test.images.sum().item() for part in study.PLAN.parts}) == 1


def test_each_seed_draws_its_own_images_and_its_own_wrong_labels(study):
    for part in study.PLAN.parts:
        first, second = part.of_seed(0), part.of_seed(1)
        assert not first.train.images.equal(second.train.images), part.name
        assert len(first.validation) == len(second.validation) == 2000
        assert len(first.train) == len(second.train)
    wrong = [
        study.WRONG_LABELS(seed).train.labels != study.FEW(seed).train.labels for seed in (0, 1)
    ]
    assert [mask.sum().item() for mask in wrong] == [400, 400]
    assert not wrong[0].equal(wrong[1])


def test_every_setting_is_compared_with_its_rival(study):
    """The rival is read off the runs with hard labels, so that it costs no runs of its own."""
    for part in study.PLAN.parts:
        if part in (study.LENGTHS, study.CLOUDS):
            continue
        (rival,) = part.rivals
        assert (rival.arm, rival.metric) == (part.headline.arm, part.headline.metric)
        assert part.derived[rival.against] == (study.HARD, study.TEMPERED)


def test_switched_on_it_has_the_papers_share(switch):
    expected = supervised(LabelSmoothingLoss(epsilon=0.1))
    assert repr(switch(BASELINE, None).objective) == repr(expected)

import pytest
import torch

from tricks_lib import LabelSmoothingLoss, supervised
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.chapters.label_smoothing import switch
from tricks_lib.course.chapters.label_smoothing.study import (
    PLAN,
    best_temperature,
    few,
    logit_gap,
    many,
    wrong_labels,
)


def test_the_logit_gap_is_the_label_against_the_mean_of_the_others():
    logits = torch.tensor([[1.0, 5.0, 3.0], [0.0, 0.0, 6.0]])
    assert logit_gap(logits, torch.tensor([1, 2])).tolist() == [3.0, 6.0]


@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_the_best_temperature_undoes_a_factor(factor):
    draws = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20_000, 5, generator=draws)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=draws)[:, 0]
    assert best_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.05)


def test_all_settings_share_their_test_images():
    assert len({part.of_seed(0).test.images.sum().item() for part in PLAN.parts}) == 1
    assert (wrong_labels().train.labels != few().train.labels).sum() == 400
    assert few().train.images.equal(many().train.images[:1000])


def test_switched_on_it_has_the_papers_share():
    expected = supervised(LabelSmoothingLoss(epsilon=0.1))
    assert repr(switch(BASELINE, None).objective) == repr(expected)

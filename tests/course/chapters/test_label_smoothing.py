import pytest
import torch

from tricks_lib import LabelSmoothingLoss, supervised
from tricks_lib.course.baseline import BASELINE


def test_the_logit_gap_is_the_label_against_the_mean_of_the_others(study):
    logits = torch.tensor([[1.0, 5.0, 3.0], [0.0, 0.0, 6.0]])
    assert study.logit_gap(logits, torch.tensor([1, 2])).tolist() == [3.0, 6.0]


@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_the_best_temperature_undoes_a_factor(study, factor):
    draws = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20_000, 5, generator=draws)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=draws)[:, 0]
    assert study.best_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.05)


def test_all_settings_share_their_test_images(study):
    assert len({part.of_seed(0).test.images.sum().item() for part in study.PLAN.parts}) == 1
    assert (study.wrong_labels().train.labels != study.few().train.labels).sum() == 400
    assert study.few().train.images.equal(study.many().train.images[:1000])


def test_switched_on_it_has_the_papers_share(switch):
    expected = supervised(LabelSmoothingLoss(epsilon=0.1))
    assert repr(switch(BASELINE, None).objective) == repr(expected)

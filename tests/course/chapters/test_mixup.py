from tricks_lib import Mixup
from tricks_lib.course.baseline import BASELINE


def test_it_is_compared_at_equal_length(study):
    for epochs in study.DURATIONS:
        assert {study.PLAN.recipes[f"{name}, {epochs} epochs"].epochs for name in study.MIXES} == {
            epochs
        }


def test_few_images_are_among_the_many_and_120_labels_are_wrong(study):
    assert study.few().train.labels.equal(study.data().train.labels[:300])
    assert (study.wrong_labels().train.labels != study.few().train.labels).sum() == 120


def test_switched_on_it_has_the_papers_alpha(switch):
    assert switch(BASELINE, None).mix == Mixup(alpha=1.0)

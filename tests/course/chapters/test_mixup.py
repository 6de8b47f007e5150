from tricks_lib import Mixup
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.chapters.mixup import switch
from tricks_lib.course.chapters.mixup.study import DURATIONS, MIXES, PLAN, data, few, wrong_labels


def test_it_is_compared_at_equal_length():
    for epochs in DURATIONS:
        assert {PLAN.recipes[f"{name}, {epochs} epochs"].epochs for name in MIXES} == {epochs}


def test_few_images_are_among_the_many_and_120_labels_are_wrong():
    assert few().train.labels.equal(data().train.labels[:300])
    assert (wrong_labels().train.labels != few().train.labels).sum() == 120


def test_switched_on_it_has_the_papers_alpha():
    assert switch(BASELINE, None).mix == Mixup(alpha=1.0)

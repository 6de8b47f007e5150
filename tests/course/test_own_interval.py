"""The exercise that asks for an interval: one right answer, and mistakes that are told apart."""

import pytest

from tricks_lib.course.exercises import Draws, Exercises, Function
from tricks_lib.course.judging import unwritten
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.study import StudyResult, paired_difference
from tricks_lib.lab.study.metric import ACCURACY


def told(baseline, seeds, gain=0.02):
    """A study that trains nothing: what a seed gives follows from its number."""
    runs = {
        "none": {seed: {"accuracy": baseline + 0.01 * (seed % 7)} for seed in seeds},
        "trick": {seed: {"accuracy": baseline + gain + 0.013 * (seed % 7)} for seed in seeds},
    }
    return StudyResult(dict.fromkeys(runs, ""), "none", runs, {arm: {} for arm in runs}, {})


GAIN = OwnInterval(
    told,
    "Hand both to `study`.",
    trick="the trick",
    baseline="the rest",
    others={"That is another trick.": lambda baseline, seeds: told(baseline, seeds, gain=0.05)},
)

check = Exercises()


@check.exercise("an interval", domain="`baseline` is a share, and `seeds` has two or more.")
def _(gain: Function, draws: Draws):
    GAIN.judge(gain, draws, lambda: (draws.number(0.5, 0.6), [draws.count(0, 99), 1, 2, 9]))


def test_the_right_answer_is_the_interval_of_the_paired_runs():
    found = told(0.5, (1, 2, 3))
    gap = paired_difference(ACCURACY, found.values("trick"), found.values("none"))
    assert GAIN.right(0.5, [1, 2, 3]) == (gap.low, gap.high)
    assert check(1, GAIN.right).right


@pytest.mark.parametrize(("answer", "part"), GAIN.wrong, ids=[part for _, part in GAIN.wrong])
def test_a_wrong_answer_is_told_what_is_wrong(answer, part):
    found = check(1, answer)
    assert not found.right and part in found.problem


def test_every_mistake_is_told_something_else():
    problems = {check(1, answer).problem for answer in GAIN.mistakes.values()}
    assert len(problems) == len(GAIN.mistakes) == 5
    assert "the rest minus the trick" in " ".join(problems)


def test_a_function_with_other_parameters_is_told_what_it_is_given():
    assert "(baseline, seeds)" in check(1, lambda baseline: (0, 1)).problem


def test_a_task_in_which_a_mistake_gives_the_right_answer_is_not_posed():
    """Here the interval reaches as far to either side of zero: turned round, it is the same."""
    level = OwnInterval(lambda seeds: told(0.5, seeds, gain=-0.003 * 2), "", trick="it")
    assert not level.tells([[1, 3]])
    assert level.tells([[1, 5]])


def test_the_same_study_is_made_once():
    made = []

    def counted(seeds):
        made.append(seeds)
        return told(0.5, seeds)

    gain = OwnInterval(counted, "", trick="it")
    assert gain.tells([[1, 2, 9]]) and gain.right([1, 2, 9])
    assert made == [(1, 2, 9)]


@pytest.mark.parametrize(
    "answer",
    [
        lambda images, m: images[..., m],
        lambda images: images[..., ::-1],
        lambda images: (images, ...),
        lambda images: None,
        len,
    ],
)
def test_a_function_that_does_something_is_written(answer):
    assert not unwritten(answer)
    assert unwritten(lambda images: ...)


def test_nothing_is_trained_for_a_function_that_is_not_written():
    trained = []

    def counted(baseline, seeds):
        trained.append(baseline)
        return told(baseline, seeds)

    judge, posed = OwnInterval(counted, "", trick="the trick"), Exercises()

    @posed.exercise("an interval", domain="`baseline` is a share, and `seeds` has two or more.")
    def _(gain: Function, draws: Draws):
        judge.judge(gain, draws, lambda: (0.5, [1, 2, 9]))

    def gain(baseline, seeds):
        """As the notebook has it."""
        return ...

    assert not posed(1, gain).tried and not trained
    assert posed(1, lambda baseline, seeds: (0.0, 0.1)).tried and trained

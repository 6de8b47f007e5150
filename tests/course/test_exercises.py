import inspect
import math
import textwrap

import numpy as np
import pytest
import torch

from tricks_lib.course.chapter import chapter, found
from tricks_lib.course.exercises import Exercises, expect


@pytest.fixture
def check():
    check = Exercises()

    @check.exercise("one number")
    def _(answer):
        return expect(answer, 2.5, "Think again.")

    @check.exercise("a function")
    def _(function):
        return expect(function(3), 9, "It should square.")

    return check


def test_not_tried_wrong_and_right(check):
    answers = check(1, ...), check(1, 2), check(1, 2.5)
    assert [a.tried for a in answers] == [False, True, True]
    assert [a.right for a in answers] == [False, False, True]
    assert [repr(a)[0] for a in answers] == ["…", "✗", "✓"]
    assert "Exercise 1 (one number): not tried yet" in repr(answers[0])
    assert "Got 2. Think again." in repr(answers[1])


def test_html_is_escaped_and_named(check):
    answer = check(1, "<b>")
    assert "&lt;b&gt;" in answer._repr_html_()
    assert "check-wrong" in answer._repr_html_()
    assert "check-open" in check(2, ...)._repr_html_()
    assert "check-right" in check(2, lambda x: x * x)._repr_html_()


def test_an_error_of_the_learner_becomes_an_answer(check):
    def broken(x):
        return x / 0

    answer = check(2, broken)
    assert answer.tried
    assert not answer.right
    assert "ZeroDivisionError: division by zero" in answer.problem


def test_a_function_that_still_returns_dots_is_not_tried(check):
    assert not check(2, lambda x: ...).tried


def test_the_line_that_is_named_is_the_learners(tmp_path):
    """Not one of the library, nor one of PyTorch, which may have raised the error."""
    cell = tmp_path / "cell.py"
    cell.write_text(
        textwrap.dedent(
            """
            import torch

            def mine(x):
                return torch.nn.Linear(2, 1)(x)
            """
        )
    )
    names = {}
    exec(compile(cell.read_text(), cell, "exec"), names)
    check = Exercises()

    @check.exercise("a layer")
    def _(function):
        return expect(function(torch.ones(3)), 1, "hint")

    problem = check(1, names["mine"]).problem
    assert problem.startswith("Your answer raised RuntimeError")
    assert problem.endswith(" in line 5 of your cell (return torch.nn.Linear(2, 1)(x)).")


def test_a_fault_of_the_check_names_no_line_of_the_learners():
    """`list(None)` in the library's own judge."""
    check = chapter("mixup").part("exercises").check
    assert check(1, None, 0).problem.startswith("Your answer raised TypeError")
    assert "of your cell" not in check(1, None, 0).problem


@pytest.mark.parametrize("number", [0, 3, "1"])
def test_no_such_exercise(check, number):
    with pytest.raises(ValueError, match="an exercise from 1 to 2"):
        check(number, 1)


@pytest.mark.parametrize(
    ("found", "wanted", "right"),
    [
        (1.0, 1, True),
        (1 + 1e-9, 1, True),
        (1.1, 1, False),
        (float("nan"), 1, False),
        (math.inf, 1, False),
        (math.inf, math.inf, True),
        (1.0, math.inf, False),
        (-math.inf, math.inf, False),
        (True, 1, False),
        ("1", 1, False),
        (None, 1, False),
        (torch.tensor(2.0), 2, True),
        (np.float64(2), 2, True),
        ([1, 2], [1, 2], True),
        ((1, 2), [1, 2], True),
        (torch.tensor([1.0, 2.0]), [1, 2], True),
        ([1, 3], [1, 2], False),
        ([1], [1, 2], False),
        (1, [1, 2], False),
        (1e9 + 1, 1e9, True),
    ],
)
def test_expect(found, wanted, right):
    assert (expect(found, wanted, "hint") is None) == right


def test_expect_says_which_number_is_off():
    assert "1 of 3 entries are off, the first at index 2" in expect([0, 1, 5], [0, 1, 2], "hint")


def test_amsbound_is_asked_where_it_differs_from_adabound():
    walk = chapter("adabound").part("exercises")._walk
    noise = torch.randn(61, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noise[:5] *= 30
    start = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    for settings in ((0.01, 0.1, 1e-3), (0.05, 1.0, 1e-4)):
        settings = dict(zip(("lr", "final_lr", "gamma"), settings, strict=True))
        ends = [walk(start, noise, amsbound=ams, **settings) for ams in (True, False)]
        assert (ends[0] - ends[1]).abs().max() > 1e-6, f"they end alike with {settings}"


# --- The exercises of the chapters ---

every = pytest.mark.parametrize("slug", found())

NOTHING = {
    "None": None,
    "0": 0,
    "a text": "x",
    "a function that returns 0": lambda *_, **__: 0,
    "a function that returns nothing": lambda *_, **__: None,
    "a function that returns a text": lambda *_, **__: "x",
    "a function that returns its first argument": lambda *given, **__: given[0],
}
"""Answers that are right nowhere."""


def exercises_of(slug):
    """The number of each exercise with its title and its judge, and the file of a chapter."""
    file = chapter(slug).part("exercises")
    return dict(enumerate(file.check.judges, start=1)), file


def parts(answer):
    return answer if isinstance(answer, tuple) else (answer,)


@every
def test_answers_are_given_to_every_exercise(slug):
    exercises, file = exercises_of(slug)
    assert exercises, f"{slug} has no exercises: decorate a function with @check.exercise(...)"
    for name in ("RIGHT", "WRONG"):
        given = getattr(file, name, {})
        assert list(given) == list(exercises), (
            f"{name} in {slug}/exercises.py should have answers to {list(exercises)}, and has them "
            f"to {list(given)}"
        )


@every
def test_the_right_answer_is_right(slug, subtests):
    _, file = exercises_of(slug)
    for number, answer in file.RIGHT.items():
        with subtests.test(f"exercise {number}"):
            told = file.check(number, *parts(answer))
            assert told.right, f"{slug}: the right answer to exercise {number} is told: {told}"


@every
def test_wrong_answers_are_told_what_is_wrong(slug, subtests):
    _, file = exercises_of(slug)
    for number, answers in file.WRONG.items():
        with subtests.test(f"exercise {number}"):
            assert len(answers) >= 2, (
                f"{slug}: exercise {number} should have two wrong answers that a learner may give"
            )
        for place, (answer, sentence) in enumerate(answers):
            with subtests.test(f"exercise {number}, wrong answer {place}"):
                told = file.check(number, *parts(answer))
                assert told.tried and not told.right, f"it passes: {told}"
                assert sentence in told.problem, f"expected {sentence!r} in: {told.problem}"
                assert len(told.problem) > 20, f"that is no help: {told.problem}"


@every
def test_no_check_accepts_everything(slug, subtests):
    exercises, file = exercises_of(slug)
    for number, (title, judge) in exercises.items():
        asked = len(inspect.signature(judge).parameters)
        for name, answer in NOTHING.items():
            with subtests.test(f"exercise {number} ({title}), {name}"):
                told = file.check(number, *[answer] * asked)
                assert not told.right, f"{slug}: exercise {number} accepts {name}"


@every
def test_dots_are_not_tried_yet(slug):
    exercises, file = exercises_of(slug)
    for number in exercises:
        answer = parts(file.RIGHT[number])
        assert not file.check(number, *[...] * len(answer)).tried, (
            f"{slug}: exercise {number} takes ... for an answer"
        )
        if all(map(inspect.isfunction, answer)):
            assert not file.check(number, *[lambda *_, **__: ...] * len(answer)).tried, (
                f"{slug}: exercise {number} takes a function that returns ... for an answer"
            )

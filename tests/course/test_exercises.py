"""What a check promises: it raises, it asks afresh, it leaves things alone, and it says why."""

import ast
import functools
import inspect
import json
import math
import random
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from tricks_lib.course.chapter import chapter, found
from tricks_lib.course.exercises import (
    Draws,
    Exercises,
    Function,
    Prediction,
    Wrong,
    agree,
    difference,
    expect,
    no_loop,
    untouched,
    without,
)
from tricks_lib.schedules import gradual_warmup

ROOT = Path(__file__).parents[2]
SEEDS = range(5)


def square(x):
    return x**2


@pytest.fixture
def check():
    check = Exercises()

    @check.exercise("one number")
    def _(answer):
        expect(answer, 2.5, "Think again.", mistakes={"Half of it is missing.": 1.25})

    @check.exercise("a function", domain="`x` is any number.")
    def _(squared: Function, draws: Draws):
        cases = [(0,), *((draws.number(1, 9),) for _ in range(4))]
        agree(squared, square, cases, "It should square.", mistakes={"Doubled.": lambda x: 2 * x})

    @check.exercise("two parts")
    def _(schedule: gradual_warmup, number):
        expect(schedule(0), 0, "It begins at 0.")
        expect(number, 1, "It is 1.")

    return check


# --- Answers ---


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
    assert "check-right" in check(2, square)._repr_html_()


def test_what_is_not_returned_cannot_pass_a_wrong_answer(check):
    """Nothing depends on the check's author: `expect` raises."""
    with pytest.raises(Wrong, match="Got 3"):
        expect(3, 2.5, "Think again.")
    assert not check(3, gradual_warmup(4), 2).right


def test_a_check_that_returns_something_is_an_error_of_its_author():
    check = Exercises()

    @check.exercise("as in the first edition")
    def _(answer):
        return None if answer == 1 else "Not 1."

    assert check(1, 1).right
    with pytest.raises(TypeError, match=r"as in the first edition\) returned 'Not 1.'.*raises"):
        check(1, 2)


@pytest.mark.parametrize("number", [0, 4, "1"])
def test_no_such_exercise(check, number):
    with pytest.raises(ValueError, match="an exercise from 1 to 3"):
        check(number, 1)


# --- What a learner may hand in by mistake ---


def test_an_error_of_the_learner_becomes_an_answer(check):
    answer = check(2, lambda x: x / 0)
    assert answer.tried
    assert not answer.right
    assert "ZeroDivisionError" in answer.problem


def at_every_depth():
    return [
        lambda x: ...,
        lambda x: (1, ...),
        lambda x: [[...]],
    ]


@pytest.mark.parametrize("answer", at_every_depth())
def test_a_function_that_still_returns_dots_is_not_tried(check, answer):
    assert not check(2, answer).tried


@pytest.mark.parametrize("parts", [(...,), (..., 1), ((..., 1), 2)])
def test_dots_among_the_parts_are_not_tried(check, parts):
    assert not check(3, *parts).tried


def test_a_forgotten_return_is_told_as_such(check):
    def forgetful(x):
        x**2

    assert check(2, forgetful).problem.endswith(
        "Your function returned nothing: is there a `return`?"
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: 0, "Your function takes (), and it is called with (x)."),
        (lambda x, root: 0, "Your function takes (x, root), and it is called with (x)."),
        (9, "Expected a function for squared, got 9: hand in the function itself, without calling"),
        (None, "Expected a function for squared, got nothing (None)"),
        ("x", "Expected a function for squared, got the text 'x'"),
        (int, "Expected a function for squared, got the class int itself"),
        (lambda x: square, "Expected a number, got the function square: hand in what it returns."),
        (lambda x: "9", "Expected a number, got the text '9'."),
        (lambda x: [9, 9], "Expected a number, got [9, 9]."),
        (lambda x: torch.ones(2, 2), "Expected a number, got a tensor of shape (2, 2)."),
        (lambda x: (1 + x) ** 0.5 * 1j, "Expected a number, got"),
    ],
)
def test_other_kinds_get_a_plain_sentence(check, answer, told):
    assert told in check(2, answer).problem


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((1,), "The answer has 2 parts, and you handed in 1: check(3, schedule, number)."),
        ((1, 2, 3), "The answer has 2 parts, and you handed in 3"),
        ((gradual_warmup, 1), "the class gradual_warmup itself: call it, gradual_warmup(...)."),
        ((square, 1), "Expected a gradual_warmup(...), got the function square."),
        ((gradual_warmup(3), square), "Expected a number, got the function square: hand in what"),
        ((gradual_warmup(3), None), "Expected a number, got nothing (None)."),
    ],
)
def test_parts_are_counted_and_of_their_kind(check, parts, told):
    assert told in check(3, *parts).problem


def cell(tmp_path, text):
    """Names that a learner's cell defines; its lines can be looked up as in a notebook."""
    file = tmp_path / "cell.py"
    file.write_text(textwrap.dedent(text))
    names = {}
    exec(compile(file.read_text(), file, "exec"), names)
    return names


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("return torch.nn.Linear(2, 1)(torch.ones(3))", "return torch.nn.Linear(2, 1)"),
        ("yield torch.nn.Linear(2, 1)(torch.ones(3))", "yield torch.nn.Linear(2, 1)"),
    ],
)
def test_the_line_that_is_named_is_the_learners(check, tmp_path, body, line):
    """Not one of the library, nor of PyTorch, which raised; also where a generator runs later."""
    names = cell(tmp_path, f"import torch\n\ndef mine(x):\n    {body}\n")
    problem = check(2, names["mine"]).problem
    assert "Your answer raised RuntimeError" in problem
    assert f" in line 4 of your cell ({line}" in problem


# --- Fresh inputs ---


def test_inputs_are_drawn_afresh_unless_a_seed_is_given(check):
    asked = []

    def remembered(x):
        asked.append(x)
        return x**2

    def once(**seed):
        asked.clear()
        assert check(2, remembered, **seed).right
        return list(asked)

    assert once() != once()
    assert once(seed=3) == once(seed=3) != once(seed=4)


def test_a_message_names_the_seed_where_inputs_cannot_be_read(check):
    @check.exercise("a tensor", domain="`x` is a tensor.")
    def _(function: Function, draws: Draws):
        agree(function, lambda x: x.sum(), [(draws.normal(3),)], "Add up.")

    assert "(check(4, ..., seed=7) repeats these inputs.)" in check(4, torch.mean, seed=7).problem
    assert "seed" not in check(2, lambda x: x).problem
    assert "Tried with x=0. Got 1." in check(2, lambda x: 1).problem


def state():
    generators = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
    )
    return generators, torch.is_grad_enabled()


def test_random_numbers_of_the_caller_stay_where_they_were(check):
    def careless(x):
        random.random(), np.random.rand(), torch.rand(1)
        torch.manual_seed(0)
        return x**2

    before = state()
    assert check(2, careless).right
    assert not check(2, lambda x: torch.rand(1).item()).right
    assert state() == before


def test_draws_are_in_their_range_and_do_not_touch_the_global_generator():
    before = state()
    for seed in SEEDS:
        draws = Draws(seed)
        assert not draws.hidden
        assert 2 <= draws.number(2, 3) <= 3
        assert 0.01 <= draws.scale(0.01, 100) <= 100
        assert draws.count(1, 2) in (1, 2)
        assert not draws.hidden
        assert torch.allclose(draws.rows(3, 4).sum(dim=1), torch.ones(3).double())
        assert set(draws.whole(1, 2, 50).tolist()) == {1, 2}
        order = draws.order(6)
        assert sorted(order.tolist()) == list(range(6))
        assert (order != torch.arange(6)).all()
        assert draws.order(1).tolist() == [0]
        assert draws.until(functools.partial(draws.count, 1, 9), lambda n: n == 7) == 7
        assert draws.hidden
    weights = [Draws(seed).built(lambda: torch.nn.Linear(2, 2).weight) for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert state() == before


def test_checks_also_ask_for_gradients_under_no_grad(check):
    @check.exercise("a loss", domain="`x` is a tensor.")
    def _(function: Function, draws: Draws):
        agree(function, lambda x: x.sum(), [(draws.normal(3),)], "", differentiable=["x"])

    with torch.no_grad():
        assert check(4, torch.sum).right


# --- Comparing a function ---


def asked(function, right, *cases, **how):
    """What is told of a function; an empty text if it is right."""
    try:
        agree(Function("f", function), right, cases, "The hint.", **how)
    except Wrong as wrong:
        return str(wrong)
    return ""


def test_a_known_mistake_is_named_only_if_it_explains_every_case():
    mistakes = {"Doubled.": lambda x: 2 * x, "Quartered.": lambda x: x / 4}
    cases = (2,), (3,), (5,)
    assert "Doubled." in asked(lambda x: 2 * x, square, *cases, mistakes=mistakes)
    told = asked(lambda x: 6 if x == 3 else x**2, square, *cases, mistakes=mistakes)
    assert told == "Tried with x=3. Got 6. The hint."
    told = asked(lambda x: 6 if x == 3 else 7, square, (3,), (0,), mistakes=mistakes)
    assert told == "Tried with x=3. Got 6. The hint."


def test_a_mistake_that_stumbles_is_not_the_learners():
    mistakes = {"Divided.": lambda x: 1 / x}
    assert asked(lambda x: 5, square, (0,), mistakes=mistakes).endswith("The hint.")


def test_results_in_parts_are_named():
    def both(x):
        return x, x**2

    assert asked(both, both, (3,), parts=("plain", "squared")) == ""
    told = asked(lambda x: (x, x), both, (3,), parts=("plain", "squared"))
    assert "The squared: Got 3. The hint." in told
    told = asked(lambda x: x, both, (3,), parts=("plain", "squared"))
    assert "Expected 2 results, plain and squared; got 3." in told


def in_place(x):
    x *= 2
    return x


@pytest.mark.parametrize("given", [torch.ones(3), torch.ones(3, dtype=torch.uint8)])
def test_an_argument_that_is_changed_is_told_by_name(given):
    how = {"differentiable": ["x"]} if given.is_floating_point() else {}
    told = asked(in_place, lambda x: 2 * x, (given,), **how)
    assert "Your function changed its argument `x`, which belongs to the caller" in told
    assert given.tolist() == [1, 1, 1], "the check hands out copies"


def test_a_list_that_is_sorted_is_changed():
    def smallest(values):
        return min(values)

    def sorted_first(values):
        values.sort()
        return values[0]

    assert asked(smallest, smallest, ([2, 1],)) == ""
    assert "changed its argument `values`" in asked(sorted_first, smallest, ([2, 1],))


def test_untouched_lets_errors_through_and_infinite_values_be():
    with untouched(x=torch.tensor([math.inf])):
        pass
    with pytest.raises(KeyError), untouched(x=torch.ones(1)):
        raise KeyError


def test_a_result_that_shares_memory_is_told():
    def doubled(x):
        return 2 * x

    ones = torch.zeros(3)
    for shared in (lambda x: x, lambda x: x.view(3)):
        assert asked(shared, doubled, (ones,)) == ""
        assert "shares its memory with the caller's `x`" in asked(
            shared, doubled, (ones,), fresh=True
        )
    assert asked(torch.clone, doubled, (ones,), fresh=True) == ""


def test_the_type_of_numbers_is_compared_where_asked():
    given = (torch.ones(3, dtype=torch.uint8),)
    assert asked(lambda x: x.float(), lambda x: x.clone(), given) == ""
    assert "torch.uint8, and it has torch.float32" in asked(
        lambda x: x.float(), lambda x: x.clone(), given, same_type=True
    )


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x: (x**2).mean(), ""),
        (lambda x: (x**2).mean().item(), "a plain number, not a tensor"),
        (lambda x: (x**2).mean().detach(), "no gradient with respect to `x`"),
        (lambda x: torch.tensor((x.detach().numpy() ** 2).mean()), "no gradient"),
        (lambda x: torch.tensor((x.numpy() ** 2).mean()), "raised RuntimeError"),
        (torch.no_grad()(lambda x: (x**2).mean()), "no gradient"),
        (lambda x: (x * x.detach()).mean(), "its gradient with respect to `x` is not"),
    ],
)
def test_a_loss_without_a_gradient_is_wrong(function, told):
    x = torch.tensor([1.0, -2.0, 3.0])
    problem = asked(function, lambda x: (x**2).mean(), (x,), differentiable=["x"])
    assert (told in problem) if told else problem == ""


def test_gradients_that_are_exchanged_are_told():
    """Of sums alone they would be the same."""

    def turned(x):
        return x.flip(0)

    def as_it_is(x):
        return x.clone()

    x = torch.tensor([2.0, 2.0])
    assert asked(turned, as_it_is, (x,)) == ""
    told = asked(turned, as_it_is, (x,), differentiable=["x"])
    assert "its gradient with respect to `x` is not" in told


def test_asking_for_a_gradient_that_there_is_not_is_an_error_of_the_author():
    with pytest.raises(ValueError, match="the right function has no gradient with respect to x"):
        agree(
            Function("f", torch.detach),
            lambda x: x.detach(),
            [(torch.ones(2),)],
            "",
            differentiable=["x"],
        )


def test_some_functions_can_be_refused():
    def loss(x):
        return torch.nn.functional.cross_entropy(x, torch.tensor([0]))

    x = torch.tensor([[1.0, 2.0]])
    refused = without("Not that one.", lambda function, *_, **__: function is torch.softmax)
    with refused:
        assert asked(lambda x: loss(x), loss, (x,)) == ""
        assert "Not that one." in asked(lambda x: -torch.softmax(x, 1)[0, 0].log(), loss, (x,))
    assert asked(lambda x: -torch.softmax(x, 1)[0, 0].log(), loss, (x,)) == ""


def test_a_loop_over_the_batch_is_found():
    few, many = (torch.ones(3, 4),), (torch.ones(9, 4),)
    no_loop(Function("f", lambda x: x.cumsum(1).sum(0)), few, many)
    for loop in (
        lambda x: torch.stack([row * 2 for row in x]),
        lambda x: [x[i].sum() for i in range(len(x))],
    ):
        with pytest.raises(Wrong, match=r"times for 3 images and .* times for 9: is there a loop"):
            no_loop(Function("f", loop), few, many)


# --- Comparing numbers ---


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
        (1, "1", False),
        ("a", "a", True),
        ("b", "a", False),
        (torch.tensor(2.0), 2, True),
        (torch.tensor(2.0, requires_grad=True), 2, True),
        (np.float64(2), 2, True),
        (np.array([1.0, 2.0]), [1, 2], True),
        ([1, 2], [1, 2], True),
        ((1, 2), [1, 2], True),
        ([torch.tensor(1.0), 2], [1, 2], True),
        (torch.tensor([1.0, 2.0]), [1, 2], True),
        (range(3), [0, 1, 2], True),
        ([], [], True),
        ([1], [], False),
        ([1, 3], [1, 2], False),
        ([1], [1, 2], False),
        (1, [1, 2], False),
        ([[1, 2]], [1, 2], False),
        ([1, [2]], [1, 2], False),
        ([1, 2], torch.tensor([1.0, 2.0]), False),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), True),
        (torch.tensor([1.0, math.inf]), torch.tensor([1.0, math.inf]), True),
        (1e9 + 1, 1e9, True),
    ],
)
def test_expect(found, wanted, right):
    if right:
        expect(found, wanted, "hint")
        return
    with pytest.raises(Wrong):
        expect(found, wanted, "hint")


@pytest.mark.parametrize(
    ("found", "wanted", "told"),
    [
        ([0, 1, 5], [0, 1, 2], "1 of 3 numbers is wrong: at index 2 it is 5."),
        ([0, 4, 5], [0, 1, 2], "2 of 3 numbers are wrong: the first, at index 1, is 4."),
        ([5], [1], "1 of 1 number is wrong: at index 0 it is 5."),
        ([1], [], "Expected an empty list, got [1]."),
        ([1], [1, 2], "Expected 2 numbers, got [1]."),
        (torch.zeros(2, 2), torch.eye(2), "the first, at index (0, 0), is 0."),
        (2, 3, "Got 2."),
    ],
)
def test_what_differs_is_said(found, wanted, told):
    assert told in difference(found, wanted)


def test_a_number_by_hand_that_is_nearly_right_is_told_so():
    with pytest.raises(Wrong, match=r"Got 0.85, which is close, but more than 0.001 off. Hint."):
        expect(0.85, 0.8536, "Hint.", tolerance=1e-3)


def test_a_hint_is_for_what_has_the_right_kind():
    with pytest.raises(Wrong) as told:
        expect("0.85", 0.8536, "Hint.")
    assert str(told.value) == "Expected a number, got the text '0.85'."


# --- Predictions ---


@pytest.mark.parametrize(
    ("prediction", "right", "told"),
    [
        (Prediction(..., "a"), False, "You made no prediction. It is a."),
        (Prediction((..., ...), "a"), False, "You made no prediction."),
        (Prediction("a", "a"), True, "You predicted a, and that is right."),
        (Prediction("b", "a", ("a", "b")), False, "You predicted b, and it is a."),
        (Prediction("z", "a", ("a", "b")), False, "z, which is none of a, b. It is a."),
        (Prediction(True, 1), False, "You predicted True, and it is 1."),
        (Prediction({64}, {64}), True, "that is right"),
        (Prediction({4}, {64}), False, "it is {64}"),
        (Prediction(0.3, 0.27, within=0.1, unit="points"), True, "you were 0.03 points off"),
        (Prediction(2, 0.27, within=0.1, unit="points"), False, "you were 1.73 points off"),
        (Prediction("much", 0.27, within=0.1), False, "You predicted much, and it is 0.27."),
        (Prediction(226, 196, (256, 226, 196, 128)), False, "You predicted 226, and it is 196."),
    ],
)
def test_a_prediction_is_judged(prediction, right, told):
    assert prediction.right == right
    assert told in str(prediction)
    kind = "right" if right else "wrong" if prediction.made else "open"
    assert f"check-{kind}" in prediction._repr_html_()


def test_how_near_a_prediction_must_be_is_said():
    assert "up to 0.1 points counts as right" in str(Prediction(2, 0.27, within=0.1, unit="points"))


# --- The exercises of the chapters ---

every = pytest.mark.parametrize("slug", found())

NOTHING = {
    "None": None,
    "0": 0,
    "a text": "x",
    "a class": dict,
    "a function that returns 0": lambda *_, **__: 0,
    "a function that returns nothing": lambda *_, **__: None,
    "a function that returns a text": lambda *_, **__: "x",
    "a function that returns its first argument": lambda *given, **__: given[0],
    "a function that takes nothing": lambda: 0,
}
"""Answers that are right nowhere."""


def exercises_of(slug):
    """The number of each exercise with the exercise, and the file of a chapter."""
    file = chapter(slug).part("exercises")
    return dict(enumerate(file.check.judges, start=1)), file


def parts(answer):
    return answer if isinstance(answer, tuple) else (answer,)


def with_functions(answer, change):
    """The same answer with each function in it changed."""
    return [change(part) if inspect.isfunction(part) else part for part in parts(answer)]


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
def test_the_right_answer_is_right_whatever_is_drawn(slug, subtests):
    _, file = exercises_of(slug)
    for number, answer in file.RIGHT.items():
        with subtests.test(f"exercise {number}"):
            for seed in SEEDS:
                told = file.check(number, *parts(answer), seed=seed)
                assert told.right, f"{slug}: the right answer to exercise {number} is told: {told}"
            assert file.check(number, *parts(answer)).right, "drawn without a seed it is wrong"


@every
def test_wrong_answers_are_told_what_is_wrong_whatever_is_drawn(slug, subtests):
    _, file = exercises_of(slug)
    for number, answers in file.WRONG.items():
        with subtests.test(f"exercise {number}"):
            assert len(answers) >= 2, (
                f"{slug}: exercise {number} should have two wrong answers that a learner may give"
            )
        for place, (answer, sentence) in enumerate(answers):
            with subtests.test(f"exercise {number}, wrong answer {place}"):
                for seed in SEEDS:
                    told = file.check(number, *parts(answer), seed=seed)
                    assert told.tried and not told.right, f"it passes: {told}"
                    assert sentence in told.problem, f"expected {sentence!r} in: {told.problem}"
                    assert len(told.problem) > 20, f"that is no help: {told.problem}"


def returned_by(function):
    """The values that a function returns itself, not one that it defines."""
    todo = list(ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            yield ast.unparse(node)
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            todo += ast.iter_child_nodes(node)


@every
def test_checks_raise_and_return_nothing(slug):
    exercises, _ = exercises_of(slug)
    for number, exercise in exercises.items():
        for line in returned_by(exercise.judge):
            pytest.fail(f"{slug}: the check of exercise {number} says {line!r}: it should raise")


def test_the_look_for_returns_finds_them():
    def judge(answer):
        def right(x):
            return x

        if right(answer):
            return "problem"

    assert list(returned_by(judge)) == ["return 'problem'"]


@every
def test_known_mistakes_stand_among_the_wrong_answers(slug):
    """A sentence that no wrong answer is told may be for a mistake that nobody can make."""
    _, file = exercises_of(slug)
    told = "\n".join(
        str(file.check(number, *parts(answer), seed=0).problem)
        for number, answers in file.WRONG.items()
        for answer, _ in answers
    )
    for node in ast.walk(ast.parse(inspect.getsource(file))):
        if isinstance(node, ast.keyword) and node.arg == "mistakes":
            for key in getattr(node.value, "keys", []):
                if isinstance(key, ast.Constant):
                    assert key.value in told, f"{slug}: no wrong answer is told: {key.value}"


@every
def test_no_check_accepts_everything(slug, subtests):
    exercises, file = exercises_of(slug)
    for number, exercise in exercises.items():
        for name, answer in NOTHING.items():
            with subtests.test(f"exercise {number} ({exercise.title}), {name}"):
                told = file.check(number, *[answer] * len(exercise.parts))
                assert not told.right, f"{slug}: exercise {number} accepts {name}"
                for words in ("NoneType", "raised TypeError", "raised AttributeError"):
                    if name != "a function that returns its first argument":
                        assert words not in told.problem, f"that is not plain: {told.problem}"


@every
def test_dots_are_not_tried_yet(slug):
    exercises, file = exercises_of(slug)
    for number, exercise in exercises.items():
        assert not file.check(number, *[...] * len(exercise.parts)).tried, (
            f"{slug}: exercise {number} takes ... for an answer"
        )
        answer = with_functions(file.RIGHT[number], lambda _: lambda *_, **__: ...)
        if any(map(inspect.isfunction, answer)):
            assert not file.check(number, *answer).tried, (
                f"{slug}: exercise {number} takes a function that returns ... for an answer"
            )


def one_part_changed(answer, change):
    """The answer with one of its functions changed, for each of them."""
    whole = parts(answer)
    for place, part in enumerate(whole):
        if inspect.isfunction(part):
            yield *whole[:place], change(part), *whole[place + 1 :]


@every
def test_a_forgotten_return_is_told_in_every_exercise(slug):
    _, file = exercises_of(slug)

    def forgetful(function):
        results = []

        @functools.wraps(function)
        def ask(*arguments):
            results.append(function(*arguments))

        ask.results = results
        return ask

    for number, right in file.RIGHT.items():
        for answer in one_part_changed(right, forgetful):
            told = file.check(number, *answer)
            results = [
                found
                for part in answer
                for found in getattr(part, "results", [])
                if found is not None
            ]
            if results:
                assert "returned nothing: is there a `return`?" in told.problem, told


@every
def test_too_few_arguments_are_told_in_every_exercise(slug):
    _, file = exercises_of(slug)
    for number, right in file.RIGHT.items():
        for answer in one_part_changed(right, lambda _: lambda: 0):
            told = file.check(number, *answer)
            assert "Your function takes (), and it is called with (" in told.problem, told


def changed(value):
    """Change a tensor or list in place; tell whether that was possible."""
    if isinstance(value, torch.Tensor) and value.numel() and not value.requires_grad:
        value.copy_(~value if value.dtype == torch.bool else value + 1)
        return True
    if isinstance(value, list):
        value.append(0)
        return True
    return False


@every
def test_arguments_that_are_changed_are_told_in_every_exercise(slug):
    _, file = exercises_of(slug)
    for number, right in file.RIGHT.items():
        done = []

        def in_place(function, done=done):
            @functools.wraps(function)
            def ask(*arguments):
                found = function(*arguments)
                found = found.clone() if isinstance(found, torch.Tensor) else found
                done.extend(filter(changed, arguments))
                return found

            return ask

        for answer in one_part_changed(right, in_place):
            done.clear()
            told = file.check(number, *answer)
            if done:
                assert "Your function changed its argument `" in str(told.problem), told


class Table:
    """A function that remembers what the right one gave, and knows nothing else."""

    def __init__(self, function):
        self.function = function
        self.known = {}
        self.learning = True

    def __call__(self, *arguments):
        key = tuple(
            (tuple(value.shape), value.detach().numpy().tobytes())
            if isinstance(value, torch.Tensor)
            else repr(value)
            for value in arguments
        )
        if self.learning:
            self.known[key] = self.function(*arguments)
        return self.known.get(key, next(reversed(self.known.values())))


@every
def test_a_table_of_memorised_answers_fails(slug, subtests):
    _, file = exercises_of(slug)
    for number, right in file.RIGHT.items():
        for answer in one_part_changed(right, Table):
            with subtests.test(f"exercise {number}"):
                assert file.check(number, *answer, seed=1).right
                for part in answer:
                    if isinstance(part, Table):
                        part.learning = False
                again = file.check(number, *answer, seed=2)
                assert again.tried and not again.right, f"{slug}: exercise {number} can be learnt"


@every
def test_checks_leave_the_random_numbers_of_the_caller(slug):
    _, file = exercises_of(slug)
    before = state()
    for number, right in file.RIGHT.items():
        file.check(number, *parts(right))
        for answer, _ in file.WRONG[number]:
            file.check(number, *parts(answer))
    assert state() == before


@every
def test_where_a_function_is_asked_its_domain_is_stated_in_exercise_and_check(slug):
    exercises, _ = exercises_of(slug)
    cells = json.loads((ROOT / chapter(slug).notebook).read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for number, exercise in exercises.items():
        if Function in exercise.asked.values():
            assert exercise.domain, f"{slug}: exercise {number} says nothing of its arguments"
        [text] = [text for text in texts if f"**Exercise {number}** (" in text]
        assert exercise.domain in text.splitlines() or not exercise.domain, (
            f"{slug}: exercise {number} should have the line: {exercise.domain}"
        )


@every
def test_the_notebook_hands_in_what_the_check_asks_for(slug):
    exercises, _ = exercises_of(slug)
    for path in (chapter(slug).notebook, chapter(slug).solutions):
        cells = json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
        code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
                number, *handed_in = node.args
                asked = exercises[number.value].parts
                assert len(handed_in) == len(asked), f"{path}: {ast.unparse(node)} for {asked}"

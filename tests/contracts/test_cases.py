"""What a case must say: that a trick is checked in full, or which line is missing where."""

import ast
import inspect
import re

import pytest
from torch import Tensor

from .discovery import DEFAULTS, HERE, NOT_TRICKS, NOTHING, OPERATIONS, TRICKS, WITH_CASE, text_of
from .parameters import CALLED_WITH, maker_of, parameters_of

every = pytest.mark.parametrize("trick", WITH_CASE, ids=str)


def fail(sentences):
    """Fail with sentences, if there are any, and without the code that found them."""
    sentences = list(sentences)
    if sentences:
        pytest.fail("\n".join(sentences), pytrace=False)


# --- Files ---


@pytest.mark.parametrize("trick", [*TRICKS, *OPERATIONS], ids=str)
def test_a_trick_has_a_case(trick):
    try:
        trick.load()
    except LookupError as error:
        problem = str(error)
    else:
        assert trick.case, "the other tests left out a case that is right"
        return
    pytest.fail(problem, pytrace=False)


def test_a_case_has_a_trick():
    fail(
        f"{trick.case_file} is the case of no file: there is no {trick.file}."
        for trick in NOT_TRICKS
    )


def test_what_a_recipe_does_by_default_is_among_the_examples():
    for slot, default in DEFAULTS.items():
        values = [value for trick in WITH_CASE if trick.slot == slot for value in trick.values]
        assert default in values, f"no case in tests/contracts/{slot} has {text_of(default)}"


def imported(folder):
    """All that the test files of a folder import, and the modules that they import it from."""
    names = set()
    for file in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tricks_lib"):
                names |= {node.module, *(alias.name for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("trick", TRICKS, ids=str)
def test_a_trick_has_tests_of_its_own(trick):
    public = list(trick.public())
    if any(public == [nothing] for nothing in NOTHING):
        return  # the contract says all
    found = imported(HERE.parent / trick.slot)
    if trick.module.__name__ not in found and not {thing.__name__ for thing in public} & found:
        pytest.fail(
            f"No test in tests/{trick.slot} imports anything of {trick.file}. Write "
            f"tests/{trick.slot}/test_{trick.name}.py: what the trick computes, held equal to an "
            "independent implementation.",
            pytrace=False,
        )


# --- Examples ---


@every
def test_there_are_examples_of_every_class(trick):
    used = {type(part) for value in trick.values for part in parts_of(value)}
    fail(
        f"{trick.case_file} has no example of {thing.__name__}: add two or three to CASE.examples, "
        "or, if it is no value for the slot, name it in CASE.parts, with what it is."
        for thing in trick.public()
        if isinstance(thing, type) and thing not in used | set(trick.case.parts)
    )


@every
def test_an_example_is_of_its_own_file(trick):
    fail(
        f"{trick.case_file}: the example {text_of(value)} is not from {trick.file}."
        for value in trick.values
        if maker_of(value).__module__ != trick.module.__name__
    )


def parts_of(value, depth=3):
    """A value, what it is made of, and what that is made of."""
    yield value
    if depth and not isinstance(value, type | Tensor):
        held = [*getattr(value, "args", ()), *getattr(value, "keywords", {}).values()]
        if hasattr(type(value), "__dict__") and not hasattr(value, "__qualname__"):
            held += getattr(value, "__dict__", {}).values()
        for part in held:
            yield from parts_of(part, depth - 1)


# --- Calls ---


@every
def test_every_pure_function_is_called(trick):
    called = {getattr(call.function, "__name__", "") for call in trick.case.calls}
    examples = set(map(maker_of, trick.values))
    fail(
        f"{trick.case_file} has no call of {thing.__name__}: add Call({thing.__name__}, "
        "lambda count: {...}) to CASE.calls, so that its gradient, its inputs and torch.compile "
        "are looked at."
        for thing in trick.public()
        if not isinstance(thing, type)
        and takes_tensors(thing)
        and thing not in examples
        and thing.__name__ not in called
    )


def takes_tensors(function):
    """Whether a parameter is a tensor, or may be one since nothing is said."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.annotation is p.empty or "Tensor" in str(p.annotation) for p in parameters)


# --- Wrong arguments ---


@every
def test_every_parameter_has_a_wrong_value(trick):
    checked = {(maker_of(wrong.make), wrong.name) for wrong in trick.case.wrong}
    classes = [thing for thing in trick.public() if isinstance(thing, type)]
    # Of a part somebody else may check the arguments; if it refuses one, it refuses them all.
    unchecked = set(trick.case.parts) - {make for make, _ in checked}
    fail(
        f"{trick.case_file} has no wrong value for {name} of {make.__name__}: add "
        f'Wrong({make.__name__}, ValueError, "{name} must be ...", {name}=...) to CASE.wrong, and '
        f"let {make.__name__} refuse it in these words; tricks_lib/ops/arguments.py has checks."
        for make in dict.fromkeys([*map(maker_of, trick.values), *classes])
        if make not in unchecked
        for name, parameter in parameters_of(make, trick.slot).items()
        if (make, name) not in checked and not is_truth_value(parameter)
    )


def is_truth_value(parameter):
    return parameter.annotation in (bool, "bool") or isinstance(parameter.default, bool)


WRONG = [
    pytest.param(
        trick.case_file,
        wrong,
        id=f"{trick}-{maker_of(wrong.make).__name__}({wrong.name}={wrong.value!r})",
    )
    for trick in WITH_CASE
    for wrong in trick.case.wrong
]


@pytest.mark.parametrize(("file", "wrong"), WRONG)
def test_a_wrong_value_is_refused(file, wrong):
    make = maker_of(wrong.make)
    call = f"{make.__name__}({wrong.name}={wrong.value!r})"
    parameters = inspect.signature(make).parameters
    kinds = [parameter.kind for parameter in parameters.values()]
    if wrong.name not in parameters and inspect.Parameter.VAR_KEYWORD not in kinds:
        pytest.fail(f"{file}: {make.__name__} has no parameter {wrong.name}", pytrace=False)
    several = wrong.name in parameters and parameters[wrong.name].kind.name == "VAR_POSITIONAL"
    try:
        wrong.make(wrong.value) if several else wrong.make(**{wrong.name: wrong.value})
        raised = None
    except Exception as error:
        raised = error
    expected = f"{wrong.error.__name__}: {wrong.says}"
    if raised is None:
        problem = f"{call} is accepted. By {file} it has to raise {expected} ..."
    elif type(raised) is not wrong.error or not str(raised).startswith(wrong.says):
        problem = (
            f"{call} is refused in other words than {file} says.\n"
            f"Expected {expected} ...\n"
            f"Got      {type(raised).__name__}: {raised}"
        )
    elif wrong.error not in (TypeError, ValueError):
        problem = f"{call} has to raise a TypeError or a ValueError, not a {type(raised).__name__}."
    elif not re.search(rf"\b{wrong.name}\b", str(raised)):
        problem = f"{call} is refused by a message that does not name {wrong.name}: {raised}"
    else:
        return
    pytest.fail(problem, pytrace=False)


# --- The words themselves ---


def test_the_engine_gives_these_arguments():
    for slot, names in CALLED_WITH.items():
        first = tuple(inspect.signature(DEFAULTS[slot]).parameters)[: len(names)]
        assert first == names, f"the default of {slot} begins with {first}, and not with {names}"

"""Judging a function of the learner's: calling it, and comparing it with the right one.

Chapter: notebooks/00_baseline.ipynb
"""

import copy
import dis
import inspect
import sysconfig
import textwrap
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .comparing import Wrong, difference, named

__all__ = [
    "Function",
    "NotTried",
    "agree",
    "explain",
    "no_loop",
    "still_dots",
    "untouched",
    "without",
]


class NotTried(Exception):
    """The learner's function still returns `...`."""


def still_dots(value: Any) -> bool:
    """Tell whether something is `...`, or a tuple or list with one in it."""
    return value is ... or (isinstance(value, tuple | list) and any(map(still_dots, value)))


def unwritten(function: Any) -> bool:
    """Tell whether all that a function does is to return `...`."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    done = [step for step in steps if step[0] not in ("RESUME", "NOP")]
    return done in ([("LOAD_CONST", ...), ("RETURN_VALUE", None)], [("RETURN_CONST", ...)])


class Function:
    """A function of the learner's: what goes wrong in it becomes a sentence.

    Args:
        name: what the exercise calls it.
        answer: what was handed in.

    Raises:
        Wrong: if that cannot be called, or is a class.
        NotTried: if it only returns `...`: an exercise may train for its inputs, which nobody
            should wait for then.
    """

    def __init__(self, name: str, answer: Any):
        if unwritten(answer):
            raise NotTried
        self.answer = answer
        if inspect.isclass(answer) or not callable(answer):
            raise Wrong(
                f"Expected a function for {name}, got {named(answer)}: hand in the function "
                "itself, without calling it."
            )

    def __call__(self, *arguments: Any) -> Any:
        """Call it for what it returns, with arguments in order: a learner may name them otherwise.

        Raises:
            Wrong: if it raises an error or returns nothing.
            NotTried: if it returns `...`.
        """
        found = self.do(*arguments)
        if found is None:
            raise Wrong("Your function returned nothing: is there a `return`?")
        return found

    def do(self, *arguments: Any) -> Any:
        """Call it for what it does: it need not return anything."""
        try:
            found = self.answer(*arguments)
            if isinstance(found, Iterator):  # as of `yield`, `map` or `zip`: its code runs here
                found = list(found)
        except (Wrong, NotTried):
            raise
        except Exception as error:  # whatever a learner's code may do
            raise Wrong(explain(error)) from error
        if still_dots(found):
            raise NotTried
        return found

    def check_arguments(self, names: Sequence[str]) -> None:
        """Check that it can be called with these arguments, in order.

        Raises:
            Wrong: if it takes fewer, or needs more.
        """
        try:
            signature = inspect.signature(self.answer)
        except (TypeError, ValueError):  # some that are written in C tell none
            return
        try:
            signature.bind(*names)
        except TypeError as error:
            raise Wrong(
                f"Your function takes {signature}, and it is called with ({', '.join(names)})."
            ) from error


NOT_THEIRS = (
    Path(__file__).parents[1],
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")),
)
"""Folders of code that a learner did not write: this package, Python, and what is installed."""


def explain(error: Exception) -> str:
    """Say what was raised, and on which line of the learner's own code."""
    theirs = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(Path(frame.filename).is_relative_to(folder) for folder in NOT_THEIRS)
    ]
    where = f" in line {theirs[-1].lineno} of your cell ({theirs[-1].line})" if theirs else ""
    return f"Your answer raised {type(error).__name__}: {error}{where}."


# --- A function compared with the right one ---


def agree(
    function: Function,
    right: Callable[..., Any],
    cases: Iterable[Sequence[Any]],
    hint: str,
    *,
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    parts: Sequence[str] = (),
    differentiable: Sequence[str] = (),
    fresh: bool = False,
    same_type: bool = False,
    tolerance: float = 1e-6,
) -> None:
    """Compare a function with the right one on some inputs, and leave the inputs as they are.

    Args:
        function: the learner's.
        right: the right one; its parameters name the arguments in messages.
        cases: tuples of arguments: the edges, and some that are drawn.
        hint: what to think about if they differ.
        mistakes: functions that are known to be wrong, each under a sentence. It takes the place of
            the hint if the learner's function gave the same as this one every time.
        parts: names of the results, where there are several.
        differentiable: arguments, float tensors, with respect to which the result must have the
            right gradient.
        fresh: whether the result may not share memory with what was given.
        same_type: whether the result must have the type of numbers of the right one.
        tolerance: allowed difference, relative to the right result where that is above 1.

    Raises:
        Wrong: if something is not as it should be.
        ValueError: if the right function has no gradient itself, in any of the cases.
    """
    cases, names = list(cases), _names(right)
    function.check_arguments(names)
    slopes = dict.fromkeys(differentiable, False)
    for place, case in enumerate(cases):
        given = {name: _copy(value) for name, value in zip(names, case, strict=True)}
        try:
            with untouched(**given):
                found = function(*given.values())
            wanted = right(*map(_copy, case))
            told = _in_parts(found, wanted, parts, tolerance)
            if told:
                others = cases[:place] + cases[place + 1 :]
                known = _known(mistakes, function, [case, *others], parts, tolerance)
                raise Wrong(f"{told} {known or hint}")
            if same_type:
                _check_type(found, wanted)
            if fresh:
                _check_fresh(found, given)
            for name in _check_gradients(function, right, names, case, differentiable):
                slopes[name] = True
        except Wrong as wrong:
            raise Wrong(f"Tried with {_listed(names, case)}. {wrong}") from wrong
    for name, some in slopes.items():
        if not some:
            raise ValueError(f"the right function has no gradient with respect to {name} itself")


def _names(right: Callable[..., Any]) -> list[str]:
    """Return what a function must be given."""
    parameters = inspect.signature(right).parameters.values()
    return [one.name for one in parameters if one.default is inspect.Parameter.empty]


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    return copy.deepcopy(value) if isinstance(value, list) else value


def _in_parts(found: Any, wanted: Any, parts: Sequence[str], tolerance: float) -> str | None:
    if not parts:
        return difference(found, wanted, tolerance)
    if not isinstance(found, tuple | list) or len(found) != len(parts):
        return f"Expected {len(parts)} results, {' and '.join(parts)}; got {named(found)}."
    for name, ours, theirs in zip(parts, wanted, found, strict=True):
        told = difference(theirs, ours, tolerance)
        if told:
            return f"The {name}: {told}"
    return None


def _known(
    mistakes: Mapping[str, Callable[..., Any]] | None,
    function: Function,
    cases: Sequence[Sequence[Any]],
    parts: Sequence[str],
    tolerance: float,
) -> str | None:
    """Return what is said of the mistake that gives the same as a function in every case."""
    candidates = dict(mistakes or {})
    for case in cases if candidates else ():
        try:
            found = function(*map(_copy, case))
        except (Wrong, NotTried):
            return None
        candidates = {
            sentence: mistake
            for sentence, mistake in candidates.items()
            if _gives(mistake, case, found, parts, tolerance)
        }
    return next(iter(candidates), None)


def _gives(
    mistake: Callable[..., Any],
    case: Sequence[Any],
    found: Any,
    parts: Sequence[str],
    tolerance: float,
) -> bool:
    try:
        return _in_parts(found, mistake(*map(_copy, case)), parts, tolerance) is None
    except (ArithmeticError, IndexError, RuntimeError, ValueError, Wrong):
        return False  # this mistake stumbles where the learner did not


def _listed(names: Sequence[str], case: Sequence[Any]) -> str:
    """Write down the arguments of a call as far as they can be read."""
    return ", ".join(
        f"{name} of shape {tuple(value.shape)}"
        if isinstance(value, Tensor) and value.ndim
        else f"{name}={f'{value:.6g}' if isinstance(value, float) else _short(value)}"
        for name, value in zip(names, case, strict=True)
        if not inspect.isroutine(value)
    )


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 160, placeholder=" ...")


# --- What a result may not do ---


@contextmanager
def untouched(**given: Any) -> Iterator[None]:
    """Check that a call leaves tensors and lists as they are.

    Args:
        **given: the arguments by name; others than tensors and lists are passed over.

    Raises:
        Wrong: if one was changed.
    """
    watched = {name: value for name, value in given.items() if isinstance(value, Tensor | list)}
    before = {name: _copy(value) for name, value in watched.items()}
    yield
    for name, value in watched.items():
        old = before[name]
        if not (torch.equal(value, old) if isinstance(value, Tensor) else value == old):
            raise Wrong(
                f"Your function changed its argument `{name}`, which belongs to the caller: "
                "compute a new one instead of writing into it."
            )


def _all(found: Any) -> Sequence[Any]:
    return found if isinstance(found, tuple | list) else [found]


def _check_type(found: Any, wanted: Any) -> None:
    for theirs, ours in zip(_all(found), _all(wanted), strict=True):
        if theirs.dtype != ours.dtype:
            raise Wrong(f"The result should have the type {ours.dtype}, and it has {theirs.dtype}.")


def _check_fresh(found: Any, given: Mapping[str, Any]) -> None:
    for name, argument in given.items():
        for part in _all(found):
            if isinstance(argument, Tensor) and _share_memory(part, argument):
                raise Wrong(
                    f"The result shares its memory with the caller's `{name}`: a change of one "
                    "changes both. Return a new tensor, such as a clone()."
                )


def _share_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr() != 0


_CUT = "by .item(), .detach(), .tolist(), numpy, or torch.no_grad()"


def _check_gradients(
    function: Function,
    right: Callable[..., Any],
    names: Sequence[str],
    case: Sequence[Any],
    differentiable: Sequence[str],
) -> list[str]:
    """Compare the gradients of a function whose values are right; return where there are any."""
    if not differentiable:
        return []
    found, theirs = _gradients(function, names, case, differentiable)
    if not all(isinstance(part, Tensor) for part in _all(found)):
        raise Wrong(
            "The value is right, but it is a plain number, not a tensor: without a gradient "
            f"nothing can be trained with it. The gradient was cut off, {_CUT}."
        )
    _, ours = _gradients(right, names, case, differentiable)
    for name, gradient in ours.items():
        if gradient.any() and not theirs[name].any():
            raise Wrong(
                f"The value is right, but it has no gradient with respect to `{name}`: nothing can "
                f"be trained with it. The gradient was cut off, {_CUT}."
            )
        if not torch.allclose(theirs[name], gradient, rtol=1e-4, atol=1e-6):
            raise Wrong(
                f"The value is right, but its gradient with respect to `{name}` is not: a part of "
                f"it was cut off, {_CUT}."
            )
    return [name for name, gradient in ours.items() if gradient.any()]


def _gradients(
    function: Callable[..., Any], names: Sequence[str], case: Sequence[Any], wanted: Sequence[str]
) -> tuple[Any, dict[str, Tensor]]:
    """Call a function, and return what it found and the gradients with respect to some arguments.

    Writing into an argument was found before: here PyTorch would refuse it.
    """
    given = {name: _copy(value) for name, value in zip(names, case, strict=True)}
    leaves = {name: given[name].requires_grad_() for name in wanted}
    found = function(*given.values())
    # Each entry has a weight of its own, so that two that are exchanged would be noticed.
    scalars = [
        (part * torch.linspace(1, 2, part.numel(), dtype=part.dtype).reshape(part.shape)).sum()
        for part in _all(found)
        if isinstance(part, Tensor) and part.requires_grad
    ]
    if not scalars:
        return found, {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    whole = torch.stack(scalars).sum()
    gradients = torch.autograd.grad(whole, list(leaves.values()), materialize_grads=True)
    return found, dict(zip(leaves, gradients, strict=True))


class without(TorchFunctionMode):
    """Refuse some calls of PyTorch, where an exercise asks for an answer that needs none of them.

    Args:
        sentence: what the learner is told.
        refused: tells from function, arguments and keywords whether a call is refused.
    """

    def __init__(self, sentence: str, refused: Callable[..., bool]):
        super().__init__()
        self.sentence = sentence
        self.refused = refused

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at a call before it is made."""
        kwargs = kwargs or {}
        if self.refused(func, *args, **kwargs):
            raise Wrong(self.sentence)
        return func(*args, **kwargs)


def no_loop(function: Function, few: Sequence[Any], many: Sequence[Any]) -> None:
    """Check that a function does not go through a batch image by image.

    Args:
        function: the learner's.
        few: its arguments with a small batch.
        many: the same with a larger one.

    Raises:
        Wrong: if PyTorch is called more often for the larger batch.
    """
    counts = []
    for arguments in (few, many):
        with _Counting() as counting:
            function(*arguments)
        counts.append(counting.calls)
    if counts[1] > counts[0]:
        raise Wrong(
            f"Your function calls PyTorch {counts[0]} times for {len(few[0])} images and "
            f"{counts[1]} times for {len(many[0])}: is there a loop over the images? One mask for "
            "the whole batch needs none."
        )


class _Counting(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return func(*args, **(kwargs or {}))

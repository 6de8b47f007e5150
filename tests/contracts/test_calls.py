"""What every pure function promises: the calls come from the cases.

One graph under torch.compile and the same result, a gradient that is right, inputs that stay as
they are, and no loop over the images.
"""

import logging

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from .discovery import OPERATIONS, WITH_CASE


def name_of(call):
    return getattr(call.function, "__name__", type(call.function).__name__)


CALLS = [
    pytest.param(call, id=f"{trick}-{name_of(call)}")
    for trick in [*WITH_CASE, *OPERATIONS]
    if trick.case
    for call in trick.case.calls
]
every = pytest.mark.parametrize("call", CALLS)
differentiable = pytest.mark.parametrize(
    "call", [param for param in CALLS if param.values[0].reached()]
)


def tensors_of(value):
    """The tensors in an argument or a result."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, nn.Module):
        return list(value.state_dict().values())
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in tensors_of(part)]
    if isinstance(value, dict):
        return tensors_of(list(value.values()))
    return tensors_of(list(vars(value).values())) if hasattr(value, "__dict__") else []


@pytest.fixture
def quiet():
    """Keep the compiler's own log out of the report of a failure."""
    log = logging.getLogger("torch.__trace")

    def nothing(record):
        return False

    log.addFilter(nothing)
    yield
    log.removeFilter(nothing)


@every
@pytest.mark.usefixtures("quiet")
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
def test_one_graph_and_the_same_result(call):
    torch.compiler.reset()
    compiled = torch.compile(call.function, fullgraph=True, backend="aot_eager")
    try:
        found, problem = compiled(**call.arguments(6)), ""
    except TorchDynamoException as error:
        found, problem = None, str(error).splitlines()[0]
    if call.broken:
        assert problem, f"{name_of(call)} is one graph now: take `broken` out of its case"
        return
    if problem:
        pytest.fail(
            f"torch.compile cannot make one graph of {name_of(call)}: it branches on a value, or "
            f"leaves torch. Torch says: {problem}",
            pytrace=False,
        )
    expected = call.function(**call.arguments(6))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@every
def test_inputs_are_untouched(call):
    arguments = call.arguments(6)
    call.function(**arguments)
    for name, expected in call.arguments(6).items():
        same = all(map(torch.equal, tensors_of(arguments[name]), tensors_of(expected)))
        assert same, f"{name_of(call)} changes its argument {name} in place"


@every
def test_the_result_has_memory_of_its_own(call):
    arguments = call.arguments(6)
    given = {tensor.untyped_storage().data_ptr() for tensor in tensors_of(arguments)}
    for tensor in tensors_of(call.function(**arguments)):
        shared = tensor.untyped_storage().data_ptr() in given
        assert not shared, f"what {name_of(call)} returns shares memory with what it was given"


@every
def test_the_batch_is_treated_as_a_whole(call, loops_over_images):
    def prepare(images):
        arguments = call.arguments(images)
        return lambda: call.function(**arguments)

    problem = loops_over_images(name_of(call), prepare)
    if problem:
        pytest.fail(problem, pytrace=False)


def as_doubles(arguments):
    """The same arguments in double precision, which numerical gradients need; bytes in [0, 1]."""

    def double(value):
        if not isinstance(value, Tensor):
            return value
        if value.dtype == torch.uint8:
            return value.double() / 255
        return value.double() if value.is_floating_point() else value

    return {name: double(value) for name, value in arguments.items()}


@differentiable
def test_the_gradient_is_right(call):
    arguments = as_doubles(call.arguments(3))
    names = list(call.reached())
    through = [arguments[name].requires_grad_() for name in names]

    def function(*values):
        return call.function(**arguments | dict(zip(names, values, strict=True)))

    results = tensors_of(function(*through))
    reached = any(result.requires_grad for result in results)
    if call.cut:
        assert not reached, f"a gradient reaches {name_of(call)} now: take `cut` out of its case"
        return
    if not reached:
        pytest.fail(
            f"{name_of(call)} cuts the gradient of {' and '.join(names)}: nothing that it returns "
            "requires one. torch.where and arithmetic keep it; bits, .data and .detach() do not.",
            pytrace=False,
        )
    torch.autograd.gradcheck(function, through, fast_mode=True)

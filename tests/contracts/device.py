"""A device without a device: what an accelerator refuses, and what waits for it, seen on a CPU.

torch's device "meta" is taken for an accelerator. Its tensors keep their values on the CPU, where
every operation is computed, so that results can be compared. What a real device refuses is refused
here too; and so is, where nothing may wait, what makes Python wait for a real one. Not seen are
types and kernels that a device lacks, and time.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

META = torch.device("meta")

aten, Tag, TorchGenerator = torch.ops.aten, torch.Tag, torch.Generator

COPIES = (aten._to_copy, aten.copy_, aten.fill_)
INDEXING = (aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_)
TAKE_NUMBERS = (aten.fill, aten.masked_fill, aten.masked_fill_)
"""Operations that take a number of the CPU on any device, beside the pointwise ones."""
WAIT = (aten.histc, aten.multinomial, aten._linalg_eigh, aten._linalg_svd)
"""Operations that wait, beside those that torch itself marks as depending on values."""


class DeviceFault(RuntimeError):
    """Something that a device refuses, or that waits for it where nothing may wait."""


# --- Tensors ---


class OnDevice(Tensor):
    """A tensor that says it is on the device.

    Args:
        held: its values, on the CPU.
        number: whether it stands for a number of Python, which a real device is handed as it is.
    """

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor, number: bool = False):
        layout = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        return cls._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, device=META, **layout)

    def __init__(self, held: Tensor, number: bool = False):
        self.held, self.number = held, number

    def __repr__(self) -> str:
        return f"<{self.dtype} {tuple(self.shape)} on the device>"

    # A module that is moved swaps tensors with these two methods, and the data of all others.
    def __tensor_flatten__(self):
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(parts, context, size, stride):
        return OnDevice(**parts)

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise DeviceFault(f"{function} is asked for outside of `with Pretended()`")


def tensors_in(*parts: Any) -> list[Tensor]:
    """List the tensors in what an operation is called with."""
    return [part for part in tree_leaves(parts) if isinstance(part, Tensor)]


def is_there(part: Any) -> bool:
    """Say whether a tensor, or the first of a list, is on the device."""
    return is_there(part[0]) if isinstance(part, list) else isinstance(part, OnDevice)


def is_device(part: Any) -> bool:
    """Say whether something is the device itself."""
    return isinstance(part, torch.device) and part.type == META.type


def on_cpu(part: Any) -> Any:
    """Return what stands on the CPU for a part of a call."""
    if isinstance(part, OnDevice):
        return part.held
    return torch.device("cpu") if is_device(part) else part


class Generator(TorchGenerator):
    """A generator of torch that can be the device's; there it draws other numbers than here."""

    there: ClassVar[dict[int, "Generator"]] = {}
    """Those of the device, by the addresses that torch knows them by."""

    def __new__(cls, device: Any = "cpu"):
        there = is_device(torch.device(device))
        generator = super().__new__(cls, "cpu" if there else device)
        if there:
            cls.there[generator._cdata] = generator
        return generator

    @property
    def device(self) -> torch.device:
        there = self._cdata in self.there
        return META if there else TorchGenerator.device.__get__(self)

    def manual_seed(self, seed: int) -> "Generator":
        return super().manual_seed(~seed if is_device(self.device) else seed)


# --- What is wrong with a call ---


def refusals(function: Any, args: tuple, kwargs: dict, goes_there: bool) -> Iterator[str]:
    """Say why a device refuses an operation."""
    operation = function.overloadpacket
    tensors = tensors_in(args, kwargs)
    here = [tensor for tensor in tensors if not is_there(tensor)]
    if any(is_device(tensor.device) for tensor in here):
        yield "it gets what a list became on the device: make a tensor on the CPU, and move it"
    generators = [part for part in tree_leaves((args, kwargs)) if isinstance(part, TorchGenerator)]
    if any((generator._cdata in Generator.there) != goes_there for generator in generators):
        yield "a generator draws on its own device, and nowhere else"
    if len(here) in (0, len(tensors)) or operation in COPIES:
        return
    numbers = Tag.pointwise in function.tags or operation in TAKE_NUMBERS
    numbers = numbers or str(operation).startswith("aten._foreach_")
    if operation in INDEXING:  # its positions may come from the CPU too
        here = [value for value in args[2:3] if not is_there(value)]
    fits = (numbers or operation in INDEXING) and all(tensor.ndim == 0 for tensor in here)
    rules = operation in INDEXING or function._schema.is_mutable  # what is taken from, or written
    if not fits or (rules and not is_there(args[0])):
        places = (f"{list(t.shape)} on the {'device' if is_there(t) else 'CPU'}" for t in tensors)
        yield f"it gets tensors of two devices, {', '.join(places)}"


def waits(function: Any, args: tuple, kwargs: dict, goes_there: bool) -> Iterator[str]:
    """Say why an operation makes Python wait for the device."""
    operation = function.overloadpacket
    tensors = tensors_in(args, kwargs)
    if operation in COPIES:
        source = args[0] if operation is aten._to_copy else args[1]
        goes_there = goes_there if operation is aten._to_copy else is_there(args[0])
        promised = kwargs.get("non_blocking") or args[2:] == (True,) or operation is aten.fill_
        if is_there(source) and not goes_there:
            yield "it copies to the CPU, and waits for what is to be computed before"
        if goes_there and not is_there(source) and not promised:
            yield "it copies to the device, and waits without non_blocking=True"
    elif operation in INDEXING and any(map(is_there, tensors)):
        value = args[2] if len(args) > 2 else None
        number = getattr(value, "number", False)
        masked = any(
            part.dtype in (torch.bool, torch.uint8) for part in args[1] if part is not None
        )
        if not all(map(is_there, tensors)):
            yield "it copies positions, a mask or a value to the device, and waits"
        elif masked and not number:
            yield "how many places a mask picks depends on its values"
        elif number and not masked:  # not in every version of torch
            yield "it copies a number to the device, and waits"
    elif any(map(is_there, tensors)):
        depends = {Tag.data_dependent_output, Tag.dynamic_output_shape} & set(function.tags)
        told = operation is aten.repeat_interleave and kwargs.get("output_size") is not None
        if operation in WAIT or (depends and not told):
            yield "what comes out, or its shape, depends on values that Python waits for"


# --- The device ---


class Operations(TorchDispatchMode):
    """Computes what torch is asked for, after a look at where everything is.

    Args:
        draws: the device's own generator.
    """

    def __init__(self, draws: Generator):
        super().__init__()
        self.draws, self.strict = draws, False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = tensors_in(args, kwargs)
        goes_there = any(map(is_there, tensors))
        if kwargs.get("device") is not None:
            goes_there = is_device(kwargs["device"])
        for look in (refusals, waits) if self.strict else (refusals,):
            for problem in look(function, args, kwargs, goes_there):
                raise DeviceFault(f"{function.name()}: {problem}")

        known = {id(on_cpu(tensor)): tensor for tensor in tensors}
        draws = goes_there and Tag.nondeterministic_seeded in function.tags
        with self.own_draws() if draws else nullcontext():
            result = function(*tree_map(on_cpu, args), **tree_map(on_cpu, kwargs))

        def placed(part: Any) -> Any:
            if goes_there and isinstance(part, Tensor) and id(part) not in known:
                return OnDevice(part, number=function.overloadpacket is aten.scalar_tensor)
            return known.get(id(part), part)

        return tree_map(placed, result)

    @contextmanager
    def own_draws(self) -> Iterator[None]:
        """Draw from the device's generator; the CPU's does not move."""
        outside = torch.default_generator.get_state()
        torch.default_generator.set_state(self.draws.get_state())
        try:
            yield
        finally:
            self.draws.set_state(torch.default_generator.get_state())
            torch.default_generator.set_state(outside)


class Functions(TorchFunctionMode):
    """Sends through `Operations` what torch does past it: lists made tensors, and back."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function is Tensor.tolist and is_there(args[0]):
            return args[0].cpu().tolist()
        if function is Tensor.new_tensor:
            like, *args = args
            function = torch.tensor
            kwargs = {"dtype": like.dtype, "device": like.device} | kwargs
        if function not in (torch.tensor, torch.as_tensor, torch.asarray):
            return function(*args, **kwargs)
        device = kwargs.pop("device", None)
        made = function(*args, **kwargs)
        return made if device is None else made.to(device)


class Pretended:
    """The device, while it is switched on: `with Pretended() as accelerator`.

    Attributes:
        device: where to move tensors.
        apart: share of the numbers that may be others than the CPU's.
        rounding: share by which a loss may be another.
    """

    device = META
    apart, rounding = 0.0, 1e-5

    def __enter__(self) -> "Pretended":
        forget()
        draws = Generator(META).manual_seed(0)
        module = SimpleNamespace(
            manual_seed=draws.manual_seed,
            get_rng_state=draws.get_state,
            set_rng_state=draws.set_state,
        )
        autocast = torch.autocast

        def precision(device: str, *arguments: Any, **settings: Any) -> Any:
            there = device == META.type
            return nullcontext() if there else autocast(device, *arguments, **settings)

        self.operations = Operations(draws)
        self.entered = ExitStack()
        # A device has a module of its name, a precision and generators of its own.
        self.entered.enter_context(patch.object(torch, META.type, module, create=True))
        self.entered.enter_context(patch.object(torch, "autocast", precision))
        for user in (torch, *modules_of_the_library()):
            if getattr(user, "Generator", None) is TorchGenerator:
                self.entered.enter_context(patch.object(user, "Generator", Generator))
        self.entered.enter_context(self.operations)
        self.entered.enter_context(Functions())
        return self

    def __exit__(self, *error: object) -> None:
        self.entered.close()
        Generator.there.clear()
        forget()

    def without_waiting(self, call: Callable[[], Any]) -> Any:
        """Call a function that may not wait for the device.

        Raises:
            DeviceFault: as soon as it does.
        """
        forget()
        self.operations.strict = True
        try:
            return call()
        finally:
            self.operations.strict = False


class Cuda:
    """A real device, with what `Pretended` has."""

    device = torch.device("cuda")
    apart, rounding = 0.01, 0.05

    def __enter__(self) -> "Cuda":
        return self

    def __exit__(self, *error: object) -> None:
        torch.cuda.synchronize()

    def without_waiting(self, call: Callable[[], Any]) -> Any:
        """Call a function that may not wait for the device, after a call that chooses kernels.

        Raises:
            RuntimeError: as soon as it does.
        """
        call()
        forget()
        try:
            with warnings.catch_warnings():
                # It warns that it is a prototype, and would stay switched on if that were raised.
                warnings.filterwarnings("ignore", "Synchronization debug mode")
                torch.cuda.set_sync_debug_mode("error")
            return call()
        finally:
            torch.cuda.set_sync_debug_mode("default")


DEVICES = [Pretended, Cuda] if torch.cuda.is_available() else [Pretended]
"""The devices that there are."""


def modules_of_the_library() -> list[ModuleType]:
    """List the modules of the library that are imported."""
    return [m for name, m in sys.modules.items() if name.partition(".")[0] == "tricks_lib"]


def forget() -> None:
    """Empty the caches of the library: what is worked out once may not wait either."""
    for module in modules_of_the_library():
        for thing in vars(module).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()

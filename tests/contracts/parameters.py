"""What values are made with: their parameters, what these are set to, and whether they matter."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from tricks_lib.ops.written import same

CALLED_WITH = {
    "models": ("channels", "classes"),
    "augment": ("images",),
    "mix": ("images", "targets"),
    "objectives": ("model", "images", "targets"),
    "optimizers": ("model", "lr"),
    "stopping": ("losses",),
}
"""Arguments that the engine gives a function in the slot: all others are its settings."""


def maker_of(value: Any) -> Callable:
    """Return what a value of a slot is made with: its class, or the function itself."""
    if isinstance(value, partial):
        return maker_of(value.func)
    return value if hasattr(value, "__qualname__") else type(value)


def values_of(slot: str, examples: Sequence[Any]) -> list[Any]:
    """Return examples as values of the slot; functions of a length are called with two lengths."""
    if slot == "schedules":
        return [build(length) for length in (3.0, 5.0) for build in examples]
    return list(examples)


def parameters_of(make: Callable, slot: str) -> dict[str, inspect.Parameter]:
    """Return the settings of a class or function: its parameters, without those that the engine
    gives and without `**settings`."""
    given = () if isinstance(make, type) else CALLED_WITH.get(slot, ())
    return {
        name: parameter
        for name, parameter in inspect.signature(make).parameters.items()
        if name not in given and parameter.kind is not parameter.VAR_KEYWORD
    }


def settings_of(value: Any, slot: str) -> dict[str, Any]:
    """Return what the parameters of a value are set to, those of `*args` left out."""
    make = maker_of(value)
    parameters = {
        name: parameter
        for name, parameter in parameters_of(make, slot).items()
        if parameter.kind is not parameter.VAR_POSITIONAL
    }
    if isinstance(make, type):
        return {name: getattr(value, name) for name in parameters}
    bound = inspect.signature(make).bind_partial(*getattr(value, "args", ()), **_keywords(value))
    bound.apply_defaults()
    return {name: bound.arguments[name] for name in parameters}


def _keywords(value: Any) -> dict[str, Any]:
    return value.keywords if isinstance(value, partial) else {}


def remade(value: Any, slot: str, **changes: Any) -> Any:
    """Make the same value with other settings."""
    make, settings = maker_of(value), settings_of(value, slot) | changes
    return make(**settings) if isinstance(make, type) else partial(make, **settings)


def idle_parameters(trick: Any, behaviour: Callable[[Any], Any]) -> Iterator[str]:
    """Say which parameters of the examples cannot be seen to do anything.

    Args:
        trick: the file whose examples are looked at, as `discovery.Trick`.
        behaviour: what a value does, drawn from a seed, as something `same` can compare.
    """
    values = trick.values
    for make in dict.fromkeys(map(maker_of, values)):
        family = [(value, settings_of(value, trick.slot)) for value in values]
        family = [(value, settings) for value, settings in family if maker_of(value) is make]
        for name in family[0][1]:
            pairs = [
                (value, other[name])
                for value, settings in family
                for _, other in family
                if not same(settings[name], other[name])
            ]
            if not pairs:
                yield (
                    f"{name} of {make.__name__} has the same value in every example of "
                    f"{trick.case_file}: add an example with another."
                )
            elif all(
                same(behaviour(value), _otherwise(value, trick.slot, name, other, behaviour))
                for value, other in pairs
            ):
                yield (
                    f"{name} of {make.__name__} does nothing: with any of its values in "
                    f"{trick.case_file} and the same seed, the same comes out."
                )


def _otherwise(value: Any, slot: str, name: str, other: Any, behaviour: Callable) -> Any:
    try:
        return behaviour(remade(value, slot, **{name: other}))
    except (TypeError, ValueError):
        return None  # refused beside the other settings, so it is looked at

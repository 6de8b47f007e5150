"""The arms of a study of your own: the baseline, each trick switched on in it, combinations.

Chapter: notebooks/20_own_images.ipynb
"""

import inspect
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..augment import Compose, identity
from ..course.chapter import chapter
from ..lab.data import Data
from ..ops.written import same, written
from ..recipe import Recipe
from .names import BASELINE, OFF, parse, removable_names

__all__ = ["DoesNotFit", "HasItAlready", "arms", "arms_that_fit", "parse", "strength"]

LONGEST = 90
"""Letters that a table has for what an arm changes."""


class DoesNotFit(ValueError):
    """A trick that cannot be switched on in this baseline, or that changes nothing there."""


class HasItAlready(DoesNotFit):
    """A trick that the baseline has."""


def arms(names: Iterable[str], baseline: Recipe, data: Data) -> dict[str, Recipe]:
    """Return the recipes of a study: the baseline first, then each arm by its name.

    A combination such as "mixup+label_smoothing" is switched on from left to right. Augmentations
    are applied one after the other in that order; two tricks of which the second would erase what
    the first put into the recipe are refused.

    Args:
        names: arms, as `parse` returns them.
        baseline: what the tricks are switched on in.
        data: what it will be trained on: the tricks' sizes follow that of its images.

    Raises:
        DoesNotFit: if a trick does not go with the baseline's network or with another trick, or
            would change nothing.
    """
    switches = _Switches(baseline, data)
    return {BASELINE: baseline} | {name: switches.arm(name) for name in names}


def arms_that_fit(
    names: Iterable[str], baseline: Recipe, data: Data
) -> tuple[dict[str, Recipe], dict[str, str]]:
    """Return the same without the arms that do not fit, and the reasons for which they do not, by
    their names. What the baseline has already is taken out of it, where that can be done. The
    arguments are those of `arms`."""
    switches, found, reasons = _Switches(baseline, data), {BASELINE: baseline}, {}
    for name in names:
        try:
            try:
                found[name] = switches.arm(name)
            except HasItAlready:
                if (removed := f"{OFF}{name}") not in removable_names():
                    raise
                found[removed] = switches.arm(removed)
        except DoesNotFit as error:
            reasons[name] = str(error)
    return found, reasons


class _Switches:
    """Switches tricks on in one baseline, and each alone only once: one of them trains a network.

    Args:
        baseline: what they are switched on in.
        data: what it will be trained on.
    """

    def __init__(self, baseline: Recipe, data: Data):
        self.baseline, self.data = baseline, data
        self._alone: dict[str, Recipe] = {}

    def arm(self, name: str) -> Recipe:
        tricks = name.split("+")
        for trick in tricks:
            self.alone(trick)
        if len(tricks) == 1:
            return self.alone(name)
        recipe = self.combined(tricks)
        self._check_network(name, recipe)
        return recipe

    def alone(self, trick: str) -> Recipe:
        """Return the baseline with one trick."""
        if trick not in self._alone:
            recipe = self.switched(trick, self.baseline)
            if not _changed(recipe, self.baseline):
                raise HasItAlready(_no_change(trick))
            self._check_network(trick, recipe)
            self._check_optimizer(trick, recipe)
            self._alone[trick] = recipe
        return self._alone[trick]

    def switched(self, trick: str, recipe: Recipe) -> Recipe:
        slug = trick.removeprefix(OFF)
        entry, way = chapter(slug), "take out" if slug != trick else "switch on"
        switch = entry.off if slug != trick else entry.switch
        if switch is None:
            raise DoesNotFit(f"chapter {slug} has no trick to {way}")
        return switch(recipe, self.data)

    def combined(self, tricks: list[str]) -> Recipe:
        """Return the baseline with several tricks, of which none erases another."""
        recipe = self.alone(tricks[0])
        owners = dict.fromkeys(_changed(recipe, self.baseline), tricks[0])
        for trick in tricks[1:]:
            before, alone = recipe, self.alone(trick)
            recipe = self.switched(trick, before)
            for slot in _changed(alone, self.baseline):
                if slot == "augment" and before.augment is not identity:
                    recipe = replace(recipe, augment=_in_turn(before.augment, alone.augment))
                elif slot in owners and _erases(slot, before, recipe, alone):
                    raise DoesNotFit(
                        f"{trick} would erase what {owners[slot]} puts into the slot {slot!r}: "
                        f"{_short(getattr(before, slot))} becomes {_short(getattr(recipe, slot))}"
                    )
            owners |= dict.fromkeys(_changed(recipe, before), trick)
        return recipe

    def _check_network(self, name: str, recipe: Recipe) -> None:
        """Refuse a trick that takes the place of the network, or cannot be put into it."""
        ours = self.baseline.model
        if same(recipe.model, ours):
            return
        called = getattr(ours, "name", None) or _short(ours)
        if not _holds(recipe.model, ours):
            raise DoesNotFit(f"{name} builds a network of its own, in place of {called}")
        try:
            after = self._built(recipe)
        except (TypeError, ValueError) as error:
            raise DoesNotFit(f"{name} cannot be put into {called}: {error}") from error
        if getattr(ours, "pretrained", False):
            learnt = self._built(self.baseline)
            if not all(torch.equal(value, learnt[part]) for part, value in after.items()):
                raise DoesNotFit(f"{name} would erase the weights that {called} has learnt")

    def _check_optimizer(self, name: str, recipe: Recipe) -> None:
        """Refuse a trick that gives the optimizer an argument that it does not take."""
        if same(_plain(recipe.optimizer), _plain(self.baseline.optimizer)):
            return
        try:
            recipe.optimizer(torch.nn.Linear(1, 1), recipe.lr)
        except TypeError as error:
            called = _short(self.baseline.optimizer)
            raise DoesNotFit(f"{name} cannot be put into {called}: {error}") from error

    def _built(self, recipe: Recipe) -> dict[str, torch.Tensor]:
        """Return the first weights of a network; the same draws for every recipe."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            network = recipe.model(self.data.channels, self.data.num_classes)
        weights: dict[str, torch.Tensor] = network.state_dict()
        return weights


def _no_change(trick: str) -> str:
    if trick.startswith(OFF):
        return f"{trick} changes nothing here: the baseline does not have it"
    removed = f"{OFF}{trick}"
    way_out = f"; {removed} takes it out" if removed in removable_names() else ""
    return f"{trick} changes nothing here: the baseline has it already{way_out}"


def _changed(recipe: Recipe, before: Recipe) -> list[str]:
    """Return the slots in which two recipes differ."""
    return [
        field.name
        for field in fields(recipe)
        if not same(_plain(getattr(recipe, field.name)), _plain(getattr(before, field.name)))
    ]


def _plain(value: Any) -> Any:
    """Return a function without the arguments that it would take by default."""
    if not isinstance(value, partial) or value.args:
        return value
    try:
        known = inspect.signature(value.func).parameters
    except (TypeError, ValueError):
        return value
    told = {k: v for k, v in value.keywords.items() if k not in known or known[k].default != v}
    return partial(value.func, **told) if told else value.func


def _erases(slot: str, before: Recipe, after: Recipe, alone: Recipe) -> bool:
    """Tell whether a slot is what the later trick alone makes of it, whatever was there."""
    values = getattr(before, slot), getattr(after, slot), getattr(alone, slot)
    return same(values[1], values[2]) and not same(values[0], values[1])


def _in_turn(first: Any, then: Any) -> Compose:
    steps = [part.steps if isinstance(part, Compose) else (part,) for part in (first, then)]
    return Compose(*steps[0], *steps[1])


def _holds(value: Any, part: Any) -> bool:
    """Tell whether a function is made of another one, by `partial`."""
    if same(value, part):
        return True
    if isinstance(value, partial):
        # `partial` of a partial is flat: its keywords have become those of the outer one.
        if isinstance(part, partial) and value.func is part.func:
            return all(same(value.keywords.get(k), v) for k, v in part.keywords.items())
        inside = (value.func, *value.args, *value.keywords.values())
        return any(_holds(one, part) for one in inside)
    return False


# --- What a table says of an arm ---


def strength(recipe: Recipe, baseline: Recipe) -> str:
    """Say in a few words what a recipe has that the baseline has not: "Mixup(alpha=0.2)".

    Args:
        recipe: an arm.
        baseline: what it is compared with.

    Returns:
        What stands in the slots that differ; "" if none does.
    """
    said = []
    for slot in _changed(recipe, baseline):
        value, usual = getattr(recipe, slot), getattr(baseline, slot)
        named = slot if slot in ("lr", "epochs") else "batch" if slot == "batch_size" else ""
        said.append(f"{named} {value:g}" if named else _short(value, usual))
    text = ", ".join(said)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _short(value: Any, usual: Any = None) -> str:
    """Return a value as a call that a person can read, without what is usual in it."""
    if isinstance(value, partial):
        if isinstance(usual, partial) and value.func is usual.func:
            extra = {k: v for k, v in value.keywords.items() if k not in usual.keywords}
            return _arguments(extra)
        if value.func is usual:
            return _arguments(value.keywords)
        others = {k: v for k, v in value.keywords.items() if usual is None or not same(v, usual)}
        called = [_short(part) for part in value.args]
        inside = ", ".join(filter(None, [*called, _arguments(others)]))
        return f"{_short(value.func)}({inside})"
    if hasattr(value, "__qualname__"):
        return str(value.__name__)
    if isinstance(value, Compose):
        return " + ".join(_short(step) for step in value.steps)
    if is_dataclass(value):
        shown = {f.name: getattr(value, f.name) for f in fields(value) if f.init and f.repr}
        if len(shown) == 1 and callable(inside := next(iter(shown.values()))):
            return _short(inside)  # a wrapper, as around a loss
        usually = {f.name: f.default for f in fields(value)}
        numbers = [k for k, v in shown.items() if isinstance(v, int | float)]
        strong = {k for k in numbers if shown[k] not in (0, 1)} | set(numbers[:1])
        told = {k: v for k, v in shown.items() if k in strong or v != usually[k]}
        return f"{type(value).__name__}({_arguments(told)})"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_short, value))})"
    try:
        return written(value)
    except ValueError:
        return repr(value)


def _arguments(named: dict[str, Any]) -> str:
    """Return arguments with what says how strong a trick is: no defaults of nothing, and no flags
    beside numbers."""
    told = {k: v for k, v in named.items() if v is not None and not _is_file(v)}
    strong = {k: v for k, v in told.items() if not isinstance(v, bool)}
    return ", ".join(f"{name}={_short(value)}" for name, value in (strong or told).items())


def _is_file(value: Any) -> bool:
    """Tell whether something stands for a file, as the teacher of a distillation does."""
    return isinstance(getattr(value, "file", None), Path)

import functools
import itertools
import sys
import types
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module, invalidate_caches
from textwrap import dedent

import numpy as np
import pytest
import torch

from tricks_lib import Mixup, Recipe, constant, sgd, small_resnet
from tricks_lib.lab.study import code_hash, final_metrics
from tricks_lib.lab.train import fit
from tricks_lib.objectives import cross_entropy

FACTOR = 2.0


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Import a module of this text, as after an edit: under the name that it had before."""
    monkeypatch.syspath_prepend(tmp_path)
    numbers = itertools.count()

    def load(text, name="edited"):
        file = tmp_path / f"{name}.py"
        # An edit within a second, or to a text as long, must be seen too.
        file.write_text(dedent(text) + "\n" * next(numbers))
        sys.modules.pop(name, None)
        for cached in tmp_path.glob(f"__pycache__/{name}.*"):
            cached.unlink()
        invalidate_caches()
        return import_module(name)

    yield load
    for name in [name for name, module in sys.modules.items() if str(tmp_path) in str(module)]:
        del sys.modules[name]


@pytest.fixture
def edited(source):
    """Tell whether two texts of a module give its function `f` two hashes."""

    def differ(before, after):
        return code_hash(source(before).f) != code_hash(source(after).f)

    return differ


# --- What changes a hash ---

BEFORE = """
    import functools
    import math
    import torch

    SCALE = 2
    TABLE = {"a": [1, 2]}

    def helper(x, power=2, *, shift=0):
        return SCALE * x ** power + shift

    class Rule:
        floor = 0.5

        def __init__(self, width=3):
            self.width = width

        def limit(self, x):
            return max(self.floor, x)

        @staticmethod
        def other(x):
            return x

        @property
        def half(self):
            return self.width / 2

    RULE = Rule()

    @functools.cache
    def table(n):
        return list(range(n))

    def decorated(function):
        @functools.wraps(function)
        def inner(x):
            return function(x) + 1
        return inner

    @decorated
    def wrapped(x):
        return 3 * x

    def f(x, rate=0.1):
        def inside(y):
            return helper(y) - 1
        assert TABLE
        numbers = [helper(part) for part in table(3)]
        return inside(x) * rate + RULE.limit(x) + wrapped(x) + RULE.half + Rule.other(sum(numbers))
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rate=0.1", "rate=0.2"),
        ("- 1", "- 2"),
        ("SCALE = 2", "SCALE = 3"),
        ("[1, 2]", "[2, 1]"),
        ("power=2", "power=3"),
        ("shift=0", "shift=1"),
        ("SCALE * x", "SCALE + x"),
        ("floor = 0.5", "floor = 0.6"),
        ("max(self", "min(self"),
        ("width=3", "width=4"),
        ("width / 2", "width / 3"),
        ("return x\n", "return -x\n"),
        ("range(n)", "range(n + 1)"),
        ("function(x) + 1", "function(x) + 2"),
        ("3 * x", "4 * x"),
        ("table(3)", "table(4)"),
    ],
)
def test_an_edit_anywhere_below_is_another_hash(edited, old, new):
    assert old in BEFORE
    assert edited(BEFORE, BEFORE.replace(old, new))


def test_the_same_text_has_the_same_hash(edited):
    assert not edited(BEFORE, BEFORE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f(x, rate=0.1):", "def f(x: float, rate: float = 0.1) -> float:"),
        ("def f(x, rate=0.1):", 'def f(x, rate=0.1):\n        """Say what it does."""'),
        ("def f(x, rate=0.1):", "def f(x, rate=0.1):  # said beside it"),
        ("def f(x, rate=0.1):", "\n\n    # above it\n    def f(x,  rate = 0.1):"),
        ("SCALE = 2", "SCALE = 2\n    UNUSED = 3"),
        ("class Rule:", 'class Rule:\n        """A rule."""\n'),
        ("self.width = width", "self.width: int = width"),
        ("return SCALE", 'x: "a number"\n        return SCALE'),
    ],
)
def test_words_for_people_are_no_change(edited, old, new):
    assert old in BEFORE
    assert not edited(BEFORE, BEFORE.replace(old, new))


def test_the_message_of_an_error_is_no_change_and_its_kind_is(edited):
    text = """
        def f(x):
            if x < 0:
                raise ValueError(f"expected x >= 0, got {x}")
            return x
    """
    assert not edited(text, text.replace("expected x >= 0", "x must not be negative"))
    assert edited(text, text.replace("ValueError", "KeyError"))
    assert edited(text, text.replace("x < 0", "x < 1"))


@pytest.mark.parametrize(
    "line", ["import below", "from below import g", "from below import g as h", "import below as h"]
)
def test_a_module_imported_inside_a_function_counts(source, line):
    use = {"import below": "below.g", "from below import g": "g", "import below as h": "h.g"}
    f = source(f"""
        def f(x):
            {line}
            return {use.get(line, "h")}(x)
    """).f
    source("def g(x): return x", "below")
    before = code_hash(f)
    source("def g(x): return 2 * x", "below")
    assert code_hash(f) != before


def test_a_function_of_another_module_counts(source):
    source("def g(x): return x\ndef unused(x): return 1", "below")
    text = "import below\ndef f(x): return below.g(x)"
    before = code_hash(source(text).f)
    source("def g(x): return x\ndef unused(x): return 2", "below")
    assert code_hash(source(text).f) == before
    source("def g(x): return x + 1\ndef unused(x): return 2", "below")
    assert code_hash(source(text).f) != before


def test_code_that_runs_and_not_the_text_of_its_file(source):
    module = source("def f(x): return x")
    before = code_hash(module.f)
    file = module.__file__
    with open(file, "w") as edited:
        edited.write("def f(x): return x + 1\n")
    assert code_hash(module.f) != code_hash(source("def f(x): return x + 1").f)
    assert code_hash(source("def f(x): return x").f) == before


# --- Values that a function is made of ---


def make(factor):
    def measure(x):
        return factor * x

    return measure


def scale(x, factor=2):
    return factor * x


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x

    def twice(self, x):
        return 2 * self.factor * x


@dataclass(frozen=True)
class Setting:
    value: object

    @functools.cached_property
    def doubled(self):
        return 2 * self.value


@functools.cache
def remembered(x):
    return x + FACTOR


VALUES = {
    "closure": lambda n: make(n),
    "partial": lambda n: partial(scale, factor=n),
    "partial by place": lambda n: partial(scale, n),
    "callable object": lambda n: Scale(n),
    "method": lambda n: Scale(n).twice,
    "dataclass": lambda n: Setting(n),
    "tensor": lambda n: torch.tensor([1.0, n]),
    "tensor in a closure": lambda n: make(torch.full((2, 2), float(n))),
    "array": lambda n: np.array([1.0, n]),
    "network": lambda n: torch.nn.Linear(2, 2).requires_grad_(False).apply(lambda m: filled(m, n)),
    "list": lambda n: [1, [n]],
    "dictionary": lambda n: {"a": {"b": n}},
    "set": lambda n: {1, 2, n},
    "recipe": lambda n: Recipe(mix=Mixup(alpha=n)),
    "schedule": lambda n: Recipe(schedule=constant(), epochs=int(n)),
}


def filled(module, n):
    torch.nn.init.constant_(module.weight, n)
    torch.nn.init.zeros_(module.bias)


@pytest.mark.parametrize("kind", VALUES)
def test_equal_values_have_equal_hashes_and_others_have_others(kind):
    build = VALUES[kind]
    assert code_hash(build(3)) == code_hash(build(3))
    assert code_hash(build(3)) != code_hash(build(4))
    assert len(code_hash(build(3))) == 16


def test_type_and_shape_of_a_value_count():
    several = [
        *(1, 1.0, True, "1", b"1", None, [1], (1,), {1}, frozenset({1}), {1: 1}),
        *(torch.tensor(1), torch.tensor([1]), torch.tensor(1.0), torch.tensor([[1]])),
        *(np.array(1), np.array([1]), np.array([1.0])),
    ]
    assert len({code_hash(make(value)) for value in several}) == len(several)


def test_one_object_or_two_equal_ones_are_the_same():
    shared = [1.0, 2.0]
    assert code_hash([shared, shared]) == code_hash([shared, [1.0, 2.0]])
    assert code_hash((make(shared), make(shared))) == code_hash((make(shared), make([1.0, 2.0])))
    assert code_hash(scale, remembered) != code_hash(remembered, scale)


def test_a_circle_ends():
    knot = [1]
    knot.append(knot)
    assert code_hash(knot) == code_hash(knot)
    assert code_hash(even) == code_hash(even)


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


def test_what_an_object_remembers_of_its_own_sums_is_no_state():
    fresh, used = Setting(3), Setting(3)
    assert used.doubled == 6
    assert code_hash(fresh) == code_hash(used)


def test_a_cached_function_is_the_function(monkeypatch):
    before = code_hash(remembered)
    remembered(3)
    assert code_hash(remembered) == before
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 3.0)
    assert code_hash(remembered) != before


def test_another_package_counts_by_its_version(monkeypatch):
    def measure(x):
        return stand_in.mean(x)

    stand_in = types.ModuleType("stand_in")
    stand_in.__version__ = "1.0"
    monkeypatch.setitem(sys.modules, "stand_in", stand_in)
    before = code_hash(measure)
    stand_in.__version__ = "1.1"
    assert code_hash(measure) != before


def test_what_has_no_text_is_refused(tmp_path):
    refusal = r"cannot be told .*: make it inside the function$"
    with (tmp_path / "log").open("w") as file, pytest.raises(ValueError, match=refusal):
        code_hash(make(file))


# --- The library ---

BASE = Recipe(optimizer=sgd, model=small_resnet)


def with_default(monkeypatch, function, name, value):
    """Change a default of a function, as an edit of the library would."""
    if name in (function.__kwdefaults__ or {}):
        monkeypatch.setattr(function, "__kwdefaults__", function.__kwdefaults__ | {name: value})
        return
    code, defaults = function.__code__, function.__defaults__
    names = code.co_varnames[: code.co_argcount][-len(defaults) :]
    changed = dict(zip(names, defaults, strict=True)) | {name: value}
    assert set(changed) == set(names)
    monkeypatch.setattr(function, "__defaults__", tuple(changed.values()))


@pytest.mark.parametrize(
    ("function", "name", "value"),
    [
        (sgd, "momentum", 0.8),
        (sgd, "weight_decay", 1e-3),
        (small_resnet, "width", 17),
        (small_resnet, "depths", (1, 2, 1)),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_a_default_of_the_library_counts(monkeypatch, function, name, value):
    before = code_hash(BASE)
    with_default(monkeypatch, function, name, value)
    assert code_hash(BASE) != before


def test_functions_below_a_slot_count(monkeypatch):
    def mix_pairs(images, targets, partners, weight):
        return images, targets

    mixing = replace(BASE, mix=Mixup(alpha=1.0))
    before = code_hash(mixing)
    monkeypatch.setattr(sys.modules[Mixup.__module__], "mix_pairs", mix_pairs)
    assert code_hash(mixing) != before


def test_only_what_a_recipe_uses_counts(monkeypatch):
    before = code_hash(BASE)
    monkeypatch.setattr(Mixup, "__call__", lambda *arguments: arguments)
    assert code_hash(BASE) == before
    assert code_hash(replace(BASE, mix=Mixup(0.2))) != before


def test_the_version_of_the_library_is_no_code(monkeypatch):
    before = [code_hash(thing) for thing in (BASE, final_metrics, fit)]
    monkeypatch.setattr(sys.modules["tricks_lib"], "__version__", "99", raising=False)
    assert [code_hash(thing) for thing in (BASE, final_metrics, fit)] == before
    assert len(set(before)) == 3
    assert code_hash(cross_entropy) not in before

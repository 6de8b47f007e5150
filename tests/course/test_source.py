import textwrap

import pytest

import tricks_lib.schedules.warmup as module
from tricks_lib import AdaBound, Recipe, gradual_warmup
from tricks_lib.course.source import _without_docstrings, show_source
from tricks_lib.lab.train import fit


def test_source_with_its_place():
    text = show_source(gradual_warmup).data
    place, _, rest = text.partition("\n\n")
    assert place.startswith("`tricks_lib/schedules/warmup.py, line ")
    line = int(place.strip("`").split()[-1])
    with open(module.__file__, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[line - 1].startswith("@dataclass")
    assert rest.startswith("```python\n@dataclass(frozen=True, slots=True)\nclass gradual_warmup(")
    assert rest.endswith("\n```")
    assert '"""Rise in a straight line' in rest


def test_without_docstrings_code_still_means_the_same():
    code = show_source(fit, docstrings=False).data
    assert '"""' not in code
    assert "losses.add(step.loss, step.lr)" in code
    assert "# The first worker's number" in code  # comments stay
    compile(code.split("```python\n")[1].removesuffix("\n```"), "fit", "exec")


def test_docstrings_are_cut_at_every_level():
    code = textwrap.dedent(
        '''
        """A module."""

        x = """no docstring"""

        class A:
            """A class."""

            def f(self):
                """A method
                of two lines.
                """
                return 1

            def g(self):
                """All there is."""
        '''
    )
    assert (
        _without_docstrings(code)
        == textwrap.dedent(
            '''
        x = """no docstring"""

        class A:
            def f(self):
                return 1

            def g(self):
                """All there is."""
        '''
        ).strip()
    )


def test_instances_methods_and_modules():
    assert "class gradual_warmup" in show_source(gradual_warmup(length=1)).data
    method = show_source(Recipe.__repr__).data
    assert "```python\ndef __repr__(self) -> str:" in method
    decorated = show_source(AdaBound.rates).data
    assert decorated.startswith("`tricks_lib/optimizers/adabound.py, line ")
    assert "```python\n@torch.no_grad()\ndef rates(self)" in decorated
    for docstrings in (True, False):
        code = show_source(AdaBound._update, docstrings=docstrings).data
        compile(code.split("```python\n")[1].removesuffix("\n```"), "_update", "exec")
    assert show_source(module).data.startswith("`tricks_lib/schedules/warmup.py`\n")


def test_several_objects_in_order():
    text = show_source(gradual_warmup, fit).data
    assert 0 < text.index("class gradual_warmup") < text.index("def fit(")


@pytest.mark.parametrize("thing", [3, len, textwrap.dedent])
def test_only_the_package_can_be_shown(thing):
    with pytest.raises(TypeError, match="expected a function or class of tricks_lib"):
        show_source(thing)

"""A trick is exported because its file is there; nothing else is."""

import importlib
import sys

import pytest

from tricks_lib import Recipe, augment
from tricks_lib.ops.discovery import added

LISTED = """
from tricks_lib.ops.discovery import added
from .flip import Flip

__all__ = ["Flip"]
__all__ += added(__name__, __all__)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package of one listed trick and of further files, and import it."""

    def build(**files):
        folder = tmp_path / "slot_of_a_test"
        folder.mkdir()
        (folder / "__init__.py").write_text(LISTED)
        (folder / "flip.py").write_text('__all__ = ["Flip"]\nclass Flip: ...\ndef step(): ...\n')
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(folder.name)

    monkeypatch.syspath_prepend(tmp_path)
    yield build
    for name in [name for name in sys.modules if name.partition(".")[0] == "slot_of_a_test"]:
        del sys.modules[name]


def test_without_further_files_there_is_what_is_listed(package):
    assert package().__all__ == ["Flip"]


def test_a_file_that_was_added_is_exported_with_its_public_names(package):
    slot = package(blur='__all__ = ["Blur", "blurred"]\nclass Blur: ...\ndef blurred(): ...\n')
    assert slot.__all__ == ["Flip", "Blur", "blurred"]
    assert slot.Blur is sys.modules["slot_of_a_test.blur"].Blur
    brought = {}
    exec("from slot_of_a_test import *", brought)
    assert {"Flip", "Blur", "blurred"} <= brought.keys()


def test_a_function_may_have_the_name_of_its_file(package):
    slot = package(blur='__all__ = ["blur"]\ndef blur(): return "blurred"\n')
    assert slot.blur() == "blurred"


def test_what_a_file_keeps_to_itself_stays_there(package):
    slot = package(
        blur='__all__ = ["Blur"]\nimport math\nclass Blur: ...\ndef helper(): ...\n',
        helpers="def more(): ...\n",  # says nothing of what is public
    )
    assert slot.__all__ == ["Flip", "Blur"]
    assert not hasattr(slot, "helper")
    assert not hasattr(slot, "step")  # of a listed file, which keeps it
    assert not hasattr(slot, "more")


def test_several_files_come_in_the_order_of_their_names(package):
    texts = {name: f'__all__ = ["{name.title()}"]\nclass {name.title()}: ...\n' for name in "zxy"}
    assert package(**texts).__all__ == ["Flip", "X", "Y", "Z"]


def test_a_broken_file_is_not_passed_over(package):
    with pytest.raises(ZeroDivisionError):
        package(blur='__all__ = ["Blur"]\n1 / 0\n')


def test_a_name_that_is_promised_and_missing_is_not_passed_over(package):
    with pytest.raises(AttributeError, match="Blur"):
        package(blur='__all__ = ["Blur"]\n')


def test_the_library_lists_its_own_tricks():
    assert added(augment.__name__, augment.__all__) == []


def test_an_added_trick_can_be_recorded(package):
    slot = package(blur='__all__ = ["blur"]\ndef blur(images): return images\n')
    assert Recipe(augment=slot.blur).written() == "Recipe(augment=slot_of_a_test.blur)"

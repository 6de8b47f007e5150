"""What a search chose is written into the module of its setting."""

import sys
from pathlib import Path

import pytest

from tricks_lib.course.standing import colour, garments

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from choose import main, with_choice  # noqa: E402


@pytest.mark.parametrize("module", [colour, garments])
def test_the_choice_is_written_as_it_stands(module):
    text = Path(module.__file__).read_text("utf-8")
    assert with_choice(text, module.SETTING.choose()) == text
    other = module.SETTING.choose() | {"Adam": "Adam, lr 42"}
    assert with_choice(text, other).count('"Adam": "Adam, lr 42",') == 1


def test_what_cannot_be_chosen_is_said(capsys):
    with pytest.raises(ValueError, match="expected one `CHOSEN"):
        with_choice("nothing here", {})
    assert main(["black and white"]) == 2
    assert "expected one of" in capsys.readouterr().err

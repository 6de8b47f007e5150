import argparse
from pathlib import Path

import pytest

from tricks_lib.cli import arguments


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (arguments.whole(2), "5", 5),
        (arguments.number, "1e-3", 0.001),
        (arguments.in_points, "0.5", 0.005),
        (arguments.device, "cuda:1", "cuda:1"),
        (arguments.pattern, "^(.*?)_", "^(.*?)_"),
        (arguments.some_arms, "mixup+cutout,warmup", ["mixup+cutout", "warmup"]),
        (arguments.out_folder, "new/folder", Path("new/folder")),
    ],
)
def test_arguments_are_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "texts", "message"),
    [
        (arguments.whole(2), ("1", "five", "2.5", "1e2", ""), "a whole number from 2 to 1000000"),
        (arguments.whole(1, 1024), ("0", "99999999999"), "a whole number from 1 to 1024, got "),
        (arguments.number, ("0", "inf", "nan", "-1", "x"), "a finite number > 0, got "),
        (arguments.in_points, ("100", "0"), "expected "),
        (arguments.device, ("meta", "hpu", "cuda:", "CPU"), "expected cuda, mps, xpu or cpu"),
        (arguments.pattern, ("(",), "expected a regular expression, got '[(]'"),
        (arguments.some_arms, ("mixupp",), "expected tricks out of "),
        (arguments.out_folder, (__file__,), "is a file, and a folder is expected now"),
    ],
)
def test_what_cannot_be_is_refused(read, texts, message):
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match=message):
            read(text)

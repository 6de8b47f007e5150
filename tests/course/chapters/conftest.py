"""A chapter is imported by its tests, and not when they are collected: a broken one fails alone."""

import pytest

from tricks_lib.course.chapter import chapter


@pytest.fixture
def entry(request):
    """The chapter after which the file of the test is called."""
    return chapter(request.module.__name__.rpartition("test_")[2])


@pytest.fixture
def study(entry):
    """Its file `study.py`."""
    return entry.part("study")


@pytest.fixture
def switch(entry):
    """What turns its trick on."""
    return entry.switch

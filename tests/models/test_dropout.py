"""Dropout against something independent: a naive formula, another library."""

from tricks_lib.models.dropout import dropout


def test_it_is_what_the_formula_says():
    # TODO compare with a computation that shares no code with dropout.
    assert dropout, "TODO"

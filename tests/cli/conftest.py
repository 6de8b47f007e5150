import pytest

from tricks_lib import cli
from tricks_lib.practice import studying


@pytest.fixture
def run():
    """Run the command line in this process; returns its exit status."""
    return lambda *arguments: cli.main(list(map(str, arguments)))


@pytest.fixture
def few(toy, monkeypatch):
    """Toy data in place of whatever is asked for, and what was asked for."""
    asked = []

    def load(source, **options):
        asked.append((source, options))
        return toy(test=400)

    monkeypatch.setattr(studying, "load_data", load)
    return asked

import pytest

from tricks_lib.lab.data import memory as module
from tricks_lib.lab.data.memory import Memory, as_text, fits, largest_size, memory


def test_memory_is_known_here():
    found = memory()
    assert 0 < found.free <= found.total < 2**50


def test_a_container_may_have_less(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CONTROL_GROUP", tmp_path)
    whole = memory()
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert memory() == (1_000_000, 600_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory().total == whole.total


def test_a_quarter_may_be_taken_and_no_more_than_is_free():
    there = Memory(1000, 900)
    assert fits(250, there)
    assert not fits(251, there)
    assert not fits(200, Memory(1000, 240))
    assert fits(10**18, None)


@pytest.mark.parametrize(
    ("count", "channels", "expected"), [(1, 3, 288), (10, 1, 144), (10**6, 3, None)]
)
def test_the_largest_size_fits(count, channels, expected):
    there = Memory(10**6, 10**6)
    assert largest_size(count, channels, there) == expected
    if expected:
        assert fits(count * channels * expected**2, there)
        assert not fits(count * channels * (expected + 16) ** 2, there)


def test_sizes_are_read_easily():
    assert as_text([1_281_167, 3, 224, 224]) == "192.9 GB"
    assert as_text([1000, 1, 28, 28]) == "0.8 MB"

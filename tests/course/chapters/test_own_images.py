import numpy as np
import pytest
import torch

from tricks_lib import load_data
from tricks_lib.course.chapter import chapter
from tricks_lib.course.standing.comparisons import SETTINGS, result
from tricks_lib.lab.study import StudyResult
from tricks_lib.practice import defaults

# --- The study ---


def test_each_arm_is_what_its_chapter_switches_on(study):
    data = study.DATA(0)
    for slug, recipe in study.SINGLE.items():
        switched = chapter(slug).switch(study.BASELINE, data)
        assert switched.written() == recipe.written(), slug


def test_the_baseline_is_what_the_command_gives_so_small_a_folder(study):
    assert defaults.baseline(study.DATA(0)).written() == study.BASELINE.written()


def test_tops_are_the_four_kinds_and_no_other(study):
    whole, tops = load_data("fashion-mini"), study.tops()
    assert tops.classes == tuple(whole.classes[label] for label in study.TOPS)
    of_tops = torch.isin(whole.test.labels, torch.tensor(study.TOPS)).nonzero()[:, 0]
    for place in (0, 700, 1899):
        assert tops.test.images[place].equal(whole.test.images[of_tops[place]])
        name = whole.classes[whole.test.labels[of_tops[place]]]
        assert tops.classes[tops.test.labels[place]] == name
    assert len(tops.test) % study.PART == 0


def test_each_seed_draws_its_own_images(study):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == 240 and len(first.validation) == 60
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)


def test_parts_make_up_the_accuracy(study):
    for runs in study.PLAN.recorded().runs.values():
        for figures in runs.values():
            assert len(figures["parts"]) == 19
            assert np.mean(figures["parts"]) == pytest.approx(figures["accuracy"])


# --- What is computed from the record ---


def made(arms):
    """A result of which only the parts and the validation accuracies are known."""
    return StudyResult(
        recipes=dict.fromkeys(arms, ""),
        baseline="baseline",
        runs={
            name: {
                seed: {"parts": list(parts), "validation_accuracy": validation}
                for seed, (parts, validation) in enumerate(seeds)
            }
            for name, seeds in arms.items()
        },
        diverged={name: {} for name in arms},
        provenance={},
    )


def test_the_parts_of_the_error_are_told_apart(entry):
    figures = entry.part("figures")
    # The seeds agree on every part, the parts do not; and the other way round.
    parts = [0.6, 0.7, 0.8]
    level = made({"baseline": [([0.5] * 3, 0)] * 2, "trick": [(parts, 0)] * 2})
    assert figures.errors(level, "trick") == pytest.approx((0, 10, 0))
    moving = made({"baseline": [([0.5] * 3, 0)] * 2, "trick": [([0.5] * 3, 0), ([0.6] * 3, 0)]})
    assert figures.errors(moving, "trick") == pytest.approx((100 * 0.1 / 2**0.5, 0, 0))


def test_the_parts_of_the_error_are_found_again(entry):
    rng = np.random.default_rng(0)
    gaps = 0.03 * rng.normal(size=(400, 1)) + 0.02 * rng.normal(size=(1, 300))
    gaps = gaps + 0.04 * rng.normal(size=(400, 300))
    result = made(
        {
            "baseline": [([0.0] * 300, 0)] * 400,
            "trick": [(row, 0) for row in gaps],
        }
    )
    assert entry.part("figures").errors(result, "trick") == pytest.approx((3, 2, 4), rel=0.1)


def test_more_seeds_lower_the_error_down_to_that_of_the_images(entry):
    half = entry.part("figures").half_width
    assert half(2.0, 0.0, 0.0, 5, 100) == pytest.approx(half(2.0, 0.0, 0.0, 5, 10_000))
    assert half(2.0, 4.0, 3.0, 500, 100) == pytest.approx(1.965 * 4.0, rel=1e-2)
    assert half(0.0, 0.0, 3.0, 5, 400) == pytest.approx(half(0.0, 0.0, 3.0, 5, 100) / 2)


def test_who_chooses_by_a_part_is_flattered_by_it(entry):
    # Two arms, equally good, each lucky on another part.
    arms = {"baseline": [([0.9, 0.5], 0.7)], "trick": [([0.5, 0.9], 0.6)]}
    found = entry.part("figures").choosing(made(arms))
    assert found["100 test images, one seed"] == pytest.approx((90, 50))
    assert found["60 validation images, one seed"] == pytest.approx((70, 70))
    assert found["60 validation images, ten seeds"] == pytest.approx((70, 70))


def test_the_same_trick_is_compared_in_the_standing_settings(entry, study):
    names = entry.part("figures").ELSEWHERE
    assert set(names) == set(study.SINGLE) - {study.GEOMETRY}
    for setting in SETTINGS:
        assert set(names.values()) <= set(result(setting).runs)


# --- The folder ---


def test_the_folder_has_the_pictures_that_were_asked_for(entry, tmp_path, study):
    write_folder = entry.part("folder").write_folder
    path = write_folder(tmp_path / "tops", {"Coat": 3, "T-shirt/top": 2})
    counts = {folder.name: len(list(folder.glob("*.png"))) for folder in path.iterdir()}
    assert counts == {"Coat": 3, "T-shirt or top": 2}
    again = write_folder(tmp_path / "again", {"Coat": 3})
    assert (again / "Coat/0000.png").read_bytes() == (path / "Coat/0000.png").read_bytes()

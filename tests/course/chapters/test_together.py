import math
from itertools import pairwise

import pytest
import torch

from tricks_lib.augment import AutoAugment, Compose, Cutout, HorizontalFlip, RandomCrop, identity
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.study import StudyResult
from tricks_lib.mix import CutMix, Mixup, keep, one_of
from tricks_lib.ops.written import same
from tricks_lib.recipe import Recipe


@pytest.fixture
def figures(entry):
    return entry.part("figures")


# --- The recipes ---


def test_the_learning_rate_is_the_best_of_the_recorded_search(study):
    tries = {"all": [f"lr {lr}" for lr in study.TRIES]}
    assert best_tries(study.SEARCH.recorded(), tries) == {"all": f"lr {study.LR}"}
    assert study.TRIES[0] < study.LR < study.TRIES[-1]


def test_each_step_of_the_recipe_adds_one_trick(study):
    arms = study.built_up()
    for count, recipe in enumerate(arms.values()):
        assert recipe.written() == study.with_tricks(study.ORDER[:count]).written()
    slots = ("model", "augment", "mix", "objective", "optimizer", "schedule")
    for before, after in pairwise(arms.values()):
        changed = [name for name in slots if not same(getattr(before, name), getattr(after, name))]
        assert len(changed) == 1


def test_all_tricks_stand_in_their_slots(study):
    full = study.with_tricks(study.ORDER)
    assert full.augment == Compose(
        RandomCrop(), HorizontalFlip(), AutoAugment("cifar10"), Cutout(16)
    )
    assert full.mix == one_of(Mixup(0.2), CutMix(1.0))
    assert "epsilon=0.1" in repr(full.objective) and "dropout=0.5" in full.written()
    plain = study.with_tricks(())
    assert (plain.augment, plain.mix) == (identity, keep)
    assert plain.objective == Recipe().objective
    assert plain.optimizer.keywords == {"weight_decay": 0.0}


def test_the_order_of_the_names_does_not_matter(study):
    names = [*study.ORDER]
    assert study.with_tricks(names).written() == study.with_tricks(names[::-1]).written()


def test_a_name_that_is_none_is_refused(study):
    with pytest.raises(ValueError, match=r"expected some of .*'smoothing'"):
        study.with_tricks(["smoothing"])


def test_everything_but_one_leaves_out_just_that_one(study):
    full = study.with_tricks(study.ORDER)
    there = study.PLAN.recipes | study.LEFT_OUT.recipes
    for trick in study.ORDER:
        recipe = there[study.without(trick)]
        others = [name for name in study.ORDER if name != trick]
        assert recipe.written() == study.with_tricks(others).written() != full.written()


def test_there_are_fifteen_pairs_of_six(study):
    assert len(study.PAIRS_OF) == 15 and len(study.PAIRS.recipes) == 1 + 6 + 15
    for first, second in study.PAIRS_OF:
        recipe = study.PAIRS.recipes[study.pair(first, second)]
        expected = study.with_tricks([study.DECAY, first, second], study.MIDDLE)
        assert recipe.written() == expected.written()


def test_the_same_time_is_the_cost_of_a_step_in_epochs(study):
    rival, longer = (study.PLAN.recipes[name] for name in (study.RIVAL, study.LONGER))
    assert longer.epochs == round(study.COST * rival.epochs)
    assert longer.augment == rival.augment
    epochs = {arm: recipe.epochs for arm, recipe in study.SAME_TIME.recipes.items()}
    epochs |= {study.RIVAL: longer.epochs, study.FULL: study.PLAN.recipes[study.FULL].epochs}
    assert sorted(epochs) == sorted(study.FINALISTS) == sorted(study.COSTS)
    times = [study.COSTS[arm] * count for arm, count in epochs.items()]
    assert max(times) < 1.02 * min(times)


def test_further_studies_change_one_thing_each(study):
    for plan, width, epochs in (
        (study.SMALL, study.NARROW, study.LONG),
        (study.LARGE, study.WIDE, study.LONG),
        (study.LONGEST, study.WIDTH, study.LONGEST_EPOCHS),
    ):
        wanted = study.built_up(epochs, width)
        assert all(one.written() == wanted[arm].written() for arm, one in plan.recipes.items())


@pytest.mark.parametrize("epochs", [1, 10, 30, 90])
def test_a_run_is_looked_at_inside_of_it(study, epochs):
    marks = study.marks(epochs)
    assert marks == sorted(set(marks)) and marks[0] >= 1 and marks[-1] <= epochs


def test_each_seed_draws_its_own_images(study, photographs_or_noise):
    first, second = study.DATA(0), study.DATA(1)
    assert len(first.train) == study.IMAGES and not first.train.images.equal(second.train.images)


# --- Interactions ---


def result_of(study, accuracies):
    """A record of the pairs, from (none, first, second, both) for each seed, the same for all."""
    none, first, second, both = accuracies
    runs = {study.NONE: none}
    runs |= dict.fromkeys(study.REGULARISERS, first)
    runs |= {study.pair(*two): both for two in study.PAIRS_OF}
    runs[study.REGULARISERS[1]] = second
    return StudyResult(
        recipes=dict.fromkeys(runs, ""),
        baseline=study.NONE,
        runs={
            arm: {seed: {"accuracy": value} for seed, value in enumerate(values)}
            for arm, values in runs.items()
        },
        diverged={arm: {} for arm in runs},
        provenance={},
    )


def test_an_interaction_is_both_minus_the_sum(study):
    result = result_of(study, ([0.4, 0.5], [0.46, 0.56], [0.44, 0.54], [0.47, 0.59]))
    gap = study.interaction(result, *study.REGULARISERS[:2])
    assert gap.values == pytest.approx((-0.03, -0.01))
    assert gap.comparisons == 15 and gap.low < gap.mean < gap.high


def test_shares_of_the_error_add_up_on_the_scale_of_its_logarithm(study):
    none = [0.4, 0.5, 0.3]
    first = [1 - 0.9 * (1 - a) for a in none]
    second = [1 - 0.8 * (1 - a) for a in none]
    both = [1 - 0.9 * 0.8 * (1 - a) for a in none]
    result = result_of(study, (none, first, second, both))
    pair = study.REGULARISERS[:2]
    logs = study.interaction(result, *pair, scale=study.log_error)
    assert logs.values == pytest.approx((0, 0, 0), abs=1e-12)
    points = study.interaction(result, *pair)
    expected = [-(b - a) * (c - a) / (1 - a) for a, b, c in zip(none, first, second, strict=True)]
    assert points.values == pytest.approx(expected)


def test_the_mean_interaction_is_one_number_a_seed(study):
    result = result_of(study, ([0.4, 0.5], [0.46, 0.56], [0.46, 0.56], [0.50, 0.60]))
    gap = study.mean_interaction(result)
    assert gap.values == pytest.approx((-0.02, -0.02)) and gap.comparisons == 1
    assert gap.verdict == "differs"


@pytest.mark.parametrize("accuracy", [0.1, 0.5, 0.93])
def test_scales_rise_with_the_accuracy(study, accuracy):
    for scale in study.SCALES.values():
        assert scale(accuracy + 0.01) > scale(accuracy)
    assert study.log_odds(0.5) == 0 and study.log_error(0.0) == 0


# --- The picture of a recipe ---


def test_the_stages_of_a_recipe_come_in_the_order_of_a_step(study, figures):
    told = figures.stages(study.with_tricks(study.ORDER))
    firsts = [stage.text.partition("(")[0].split(":")[0] for stage in told]
    assert firsts[:6] == [
        "RandomCrop",
        "HorizontalFlip",
        "AutoAugment",
        "Cutout",
        "normalise",
        "one_of",
    ]
    assert [stage.to for stage in told[6:]] == ["network", "loss", "step", "learning rate"]


def test_a_plain_recipe_only_normalises_its_images(figures):
    told = figures.stages(Recipe())
    assert [stage.to for stage in told].count("images") == 1
    assert not any(stage.step for stage in told)


def test_steps_inside_steps_are_shown_one_by_one(figures):
    inner = Compose(HorizontalFlip(), Compose(Cutout(8), RandomCrop()))
    assert [type(step).__name__ for step in figures.flat(inner)] == [
        "HorizontalFlip",
        "Cutout",
        "RandomCrop",
    ]


@pytest.mark.parametrize("tricks", [0, 3, 8])
def test_a_pipeline_is_drawn_of_any_recipe(study, figures, tricks):
    import matplotlib.pyplot as plt

    before = torch.get_rng_state()
    figure = figures.draw_pipeline(study.with_tricks(study.ORDER[:tricks]))
    texts = "\n".join(text.get_text() for ax in figure.axes for text in ax.texts)
    assert ("Cutout" in texts) == (tricks == 8) and "normalise" in texts
    assert torch.get_rng_state().equal(before)
    plt.close(figure)


# --- Noise ---


def test_how_far_chance_reaches_is_what_draws_show(figures):
    draws = torch.randn(2, 3, 200_000, generator=torch.Generator().manual_seed(0))
    for best_of in (1, 2, 3):
        apart = (draws[0, :best_of].amax(0) - draws[1, :best_of].amax(0)).abs()
        inside = (apart < figures.reach(1.0, best_of)).float().mean().item()
        assert inside == pytest.approx(0.95, abs=0.01)


def test_gains_are_steps_from_row_to_row(figures):
    found = figures.gains({"a": 70.0, "b": 70.5, "c": 70.25})
    assert found == {"b": 0.5, "c": -0.25}
    assert figures.inside({"a": 70.0, "b": 70.5, "c": 70.25}, 0.1) == ["c"]
    assert math.isclose(sum(figures.gains(figures.TORCHVISION).values()), 4.544, abs_tol=1e-6)

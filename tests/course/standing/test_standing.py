"""The standing settings: every trick is there, chosen by the same rule, and compared once."""

from dataclasses import replace
from functools import partial
from importlib import import_module
from inspect import isclass

import pytest
import torch

from tricks_lib import augment, fit, mix, mlp
from tricks_lib.course.card import card
from tricks_lib.course.chapter import chapter, chapters, planned
from tricks_lib.course.standing import arms as module
from tricks_lib.course.standing import colour, comparisons, garments, measure
from tricks_lib.course.standing.arms import BASELINE, Frame, arms, tries
from tricks_lib.course.standing.comparisons import COMPARISONS, SETTINGS
from tricks_lib.lab.metrics import evaluate
from tricks_lib.lab.study import StudyResult, code_hash
from tricks_lib.recipe import Recipe

GREY = {"garments": {"PCA colour"}, "colour": set()}
"""What a setting of grey images cannot hold."""

settings = pytest.mark.parametrize("setting", SETTINGS)


@settings
def test_every_arm_can_be_written_down_and_hashed(setting):
    plan = comparisons.plan(setting)
    texts = [recipe.written() for recipe in plan.recipes.values()]
    assert len(set(texts)) == len(texts), "two arms are the same"
    assert all(code_hash(arm) for arm in plan.arms.values())
    assert next(iter(plan.recipes)) == BASELINE


@settings
def test_every_trick_that_draws_is_in_an_arm(setting):
    plan = comparisons.plan(setting)
    texts = "\n".join(recipe.written() for recipe in plan.recipes.values())
    public = {
        name
        for package in (augment, mix)
        for name in package.__all__
        if isclass(getattr(package, name))
    }
    absent = {name for name in public if f"{name}(" not in texts}
    # Grey images have no colours to move along.
    assert absent <= {"PCAColor"} if GREY[setting] else not absent


@settings
def test_what_is_compared_is_there(setting):
    plan = comparisons.plan(setting)
    there = {*plan.arms, *plan.derived}
    for slug, comparison in COMPARISONS.items():
        named = {comparison.arm, comparison.against, comparison.rival} - {"", *GREY[setting]}
        assert named <= there, f"{slug} compares {named - there}, which {setting} does not hold"


def test_what_stands_against_something_else_than_the_baseline_is_told():
    others = {slug for slug, one in COMPARISONS.items() if one.against != BASELINE}
    assert others == {"decay", "linear_scaling", "geometry", "weight_decay", "batch_norm"}
    told = comparisons.AGAINST.lower()
    named = {COMPARISONS[slug].named or COMPARISONS[slug].arm for slug in others}
    assert all(name in told for name in named), named


def test_every_chapter_with_a_trick_has_its_comparison():
    tricks = {chapter.slug for chapter in chapters() if chapter.switch}
    tricks |= {entry.slug for entry in planned()} - {"together", "own_images"}
    assert tricks == set(COMPARISONS) == set(comparisons.comparisons())


def test_a_trick_that_is_added_enters_by_itself(monkeypatch):
    own = replace(chapter("cutout"), package="x.grid_mask", title="GridMask")
    monkeypatch.setattr(comparisons, "chapters", lambda: [own])
    comparisons.comparisons.cache_clear()
    try:
        assert comparisons.comparisons()["grid_mask"] == comparisons.Comparison("GridMask")
    finally:
        comparisons.comparisons.cache_clear()
    monkeypatch.setattr(module, "chapters", lambda: [own])
    frame = Frame(
        epochs=20, batch_size=16, model=mlp, augment=augment.identity, side=20, policy="svhn"
    )
    made = module.of_chapters(frame, frame.recipe(0.1), known=())
    assert made == {"GridMask": replace(frame.recipe(0.1), augment=augment.Cutout(size=10))}
    assert module.of_chapters(frame, frame.recipe(0.1), known=("grid_mask",)) == {}


@settings
def test_the_chosen_tries_are_those_of_the_recorded_search(setting):
    one = import_module(f"tricks_lib.course.standing.{setting}").SETTING
    assert {len(group) for group in one.groups.values()} == {5}, "a group has more tries"
    assert one.search.on == "validation"
    try:
        chosen = one.choose()
    except (FileNotFoundError, ValueError):  # not recorded, or not to its end
        assert not one.plan.path.exists(), "it is recorded without its search"
        return
    assert one.chosen == chosen


def test_what_is_said_of_the_baseline_in_colour_is_so():
    """It learns its images, at the rate that its search prefers."""
    setting, found = colour.SETTING, comparisons.result("colour")
    search, best = setting.search.recorded(), setting.chosen[BASELINE]
    assert best == "baseline, lr 0.4"
    for result, arm in ((search, best), (found, BASELINE)):
        assert result.mean(arm, "train_accuracy") >= 0.95
    assert "the baseline is right on 95.5 %" in comparisons.described("colour")


def test_the_epochs_in_colour_are_the_fewest_that_suffice():
    """Among the looks at the network that was taken, by the rule that is told beside them."""
    model = colour.FRAME.model.keywords
    looks = [
        look
        for look in colour.LOOKS
        if look.runs > 1 and (look.width, look.stages) == (model["width"], len(model["depths"]))
    ]
    best = {}
    for look in sorted(looks, key=lambda look: look.validation):
        best[look.epochs] = look  # of each length, the rate with the highest accuracy
    enough = [epochs for epochs, look in best.items() if look.train >= 95]
    assert min(enough) == colour.EPOCHS
    assert best[colour.EPOCHS].note == "learning rate 0.4"


def test_the_looks_with_the_length_that_was_taken_are_those_of_the_search():
    """They were runs of the very recipes and seeds that the search made afterwards."""
    search = colour.SETTING.search.recorded()
    looks = [look for look in colour.LOOKS if look.epochs == colour.EPOCHS]
    assert len(looks) == 3
    for look in looks:
        arm = f"baseline, lr {look.note.removeprefix('learning rate ')}"
        figures = search.mean(arm, "accuracy"), search.mean(arm, "train_accuracy")
        assert (look.validation, look.train) == tuple(round(100 * one, 1) for one in figures)


@settings
def test_what_is_recorded_answers_the_plan(setting):
    plan = comparisons.plan(setting)
    found = plan.so_far()
    assert (found is None) == (not plan.path.exists())
    assert not found or set(found.seeds) <= set(plan.seed_list)


def test_the_published_settings_are_scaled_to_the_size_of_the_images():
    frame = Frame(
        epochs=20, batch_size=16, model=mlp, augment=augment.identity, side=20, policy="svhn"
    )
    groups = tries(frame)
    chosen = {name: next(iter(group.values())) for name, group in groups.items()}
    made = arms(frame, 0.2, {k: v for k, v in chosen.items() if k != BASELINE}, {})
    assert made["Cutout"].augment.size == 10
    assert made["warmup"].schedule.length == 2
    assert made["half the learning rate"].lr == 0.1
    assert made["large batches, scaled"].lr / made["large batches"].lr == 8
    assert made["large batches, scaled"].batch_size == made["large batches"].batch_size == 128
    assert made["1.5 times the epochs"].epochs == 30


# --- What is kept of a run ---


@pytest.fixture
def run(toy):
    recipe = Recipe(epochs=4, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))
    data = toy().hold_out(16)
    return measure.with_last_networks(
        recipe, data, seed=0, device=None, evaluate="end", on="test"
    ), data


def test_the_last_quarter_of_the_networks_is_kept(run):
    assert list(run[0].snapshots) == [4]


def test_the_average_of_one_network_is_that_network(run):
    found = measure.standing_figures(*run)
    assert found["accuracy_averaged"] == found["accuracy"]
    assert found["nll_averaged"] == pytest.approx(found["nll"], rel=1e-5)
    assert found["nll_tempered"] != found["nll"]
    assert found["accuracy_tempered"] == found["accuracy"]


def test_weights_are_averaged_and_statistics_estimated_again(toy):
    recipe = Recipe(
        epochs=8, batch_size=16, lr=0.05, model=partial(mlp, hidden=(8,), size=8, batch_norm=True)
    )
    data = toy().hold_out(16)
    run = fit(recipe, data, seed=0, snapshots=(7, 8))
    average = measure.averaged(run, data)
    for name, weight in average.module.named_parameters():
        both = [dict(net.named_parameters())[name] for net in run.snapshots.values()]
        torch.testing.assert_close(weight, (both[0] + both[1]) / 2)
    norm = next(layer for layer in average.modules() if isinstance(layer, torch.nn.BatchNorm1d))
    first = average.module[:3]  # what the norm sees
    seen = first(data.normalize(data.train.images))
    torch.testing.assert_close(norm.running_mean, seen.mean(0), rtol=1e-3, atol=1e-4)
    assert evaluate(average, data).accuracy > 0
    assert not average.training


# --- What it says ---


def test_a_note_says_which_policy_a_setting_has():
    policies = {"svhn": "SVHN's policy", "cifar10": "CIFAR-10's policy"}
    for name, one in (("garments", garments), ("colour", colour)):
        assert comparisons.note("autoaugment", name) == f" ({policies[one.FRAME.policy]})"
        assert f"*{name}* ({policies[one.FRAME.policy]})" in card("autoaugment").data
    assert comparisons.note("mixup", "colour") == comparisons.note("none", "colour") == ""


def test_the_student_of_the_standing_settings_has_the_rate_of_the_baseline():
    for name, one in (("garments", garments), ("colour", colour)):
        student = one.SETTING.plan.functions["distillation"].student
        assert student == one.SETTING.best[BASELINE]
        assert comparisons.note("distillation", name) == " (at the baseline's learning rate)"


def test_a_rival_that_is_the_baseline_is_not_told_twice():
    assert COMPARISONS["cutout"].rival == "crop and mirror" == colour.SETTING.also
    assert comparisons.finding("cutout", "colour") is not None
    assert comparisons.rival_finding("cutout", "colour") is None
    assert comparisons.rival_finding("cutout", "garments") is not None
    # Linear scaling stands against another arm, and then against the baseline.
    assert comparisons.rival_finding("linear_scaling", "colour") is not None


def test_all_comparisons_of_a_setting_hold_at_once(monkeypatch):
    runs = {
        arm: {seed: {"accuracy": 0.8 + 0.01 * seed + 0.001 * seed**2 * k} for seed in range(5)}
        for k, arm in enumerate(("baseline", "warmup", "half the learning rate"))
    }
    told = StudyResult(dict.fromkeys(runs, ""), "baseline", runs, {a: {} for a in runs}, {})
    monkeypatch.setattr(comparisons, "result", lambda setting: told)
    found = comparisons.finding("warmup", "garments")
    assert found.difference.comparisons == len(COMPARISONS)
    assert found.difference.low < told.difference("warmup").low
    against = comparisons.rival_finding("warmup", "garments").difference
    assert against.mean == pytest.approx(-found.difference.mean)
    assert comparisons.finding("mixup", "garments") is None
    assert comparisons.finding("no such trick", "garments") is None

from dataclasses import FrozenInstanceError, fields, replace
from functools import partial

import pytest

import tricks_lib
from tricks_lib import Metrics, Recipe, StudyResult, evaluate, fit, mlp, study
from tricks_lib.lab.study import final_metrics
from tricks_lib.lab.train import History, Run
from tricks_lib.studies import CHAPTERS, METRICS, RESULTS, TRICKS, StudyPlan, plan, warmup
from tricks_lib.studies.card import card

NAMES = vars(tricks_lib) | {"partial": partial}
WRITTEN = [chapter for chapter in CHAPTERS if chapter.written]
BASE = Recipe(epochs=1, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))

by_slug = pytest.mark.parametrize("chapter", WRITTEN, ids=lambda chapter: chapter.slug)


# --- StudyPlan ---


@pytest.fixture
def planned(toy, tmp_path, monkeypatch):
    """A plan that takes a moment, with its results folder elsewhere."""
    monkeypatch.setattr(plan, "RESULTS", tmp_path / "results")
    return StudyPlan(
        slug="toy",
        recipes={"plain": BASE, "slow": replace(BASE, lr=0.001)},
        data=toy,
        seeds=2,
    )


def test_results_are_kept_beside_the_library():
    assert StudyPlan("toy", {}, None, 1).path == RESULTS / "toy.json"
    assert (RESULTS.parent / "tricks_lib" / "recipe.py").is_file()


def test_what_is_recorded_is_what_study_finds(planned, toy):
    made = planned.record()
    assert made.runs == study(planned.recipes, toy(), 2).runs
    assert planned.recorded() == made == StudyResult.load(planned.path)
    with pytest.raises(FrozenInstanceError):
        planned.seeds = 3


def only_nll(run):
    return {"nll": run.final.nll}


def test_a_plan_can_measure_something_else(planned):
    result = replace(planned, measure=only_nll).record()
    assert result.runs["slow"][1].keys() == {"nll"}


def test_recording_makes_every_run_again(planned):
    made = planned.record()
    worse = replace(made, runs={arm: {0: {"accuracy": 0.0}} for arm in made.runs})
    worse.save(planned.path)
    assert planned.record().runs == made.runs


def test_a_study_that_is_not_recorded_says_how_to(planned):
    message = "^toy.json is not recorded yet: run `make study CHAPTER=toy` in a checkout"
    with pytest.raises(FileNotFoundError, match=message):
        planned.recorded()


@pytest.mark.parametrize(
    "changes",
    [
        {"recipes": {"plain": BASE}},
        {"recipes": {"plain": BASE, "slow": replace(BASE, lr=0.002)}},
        {"recipes": {"plain": BASE, "other": replace(BASE, lr=0.001)}},
        {"seeds": 3},
    ],
    ids=repr,
)
def test_a_record_of_another_plan_is_refused(planned, changes):
    planned.record()
    message = "^toy.json was recorded with .*, the plan is .*: run `make study CHAPTER=toy` again$"
    with pytest.raises(ValueError, match=message):
        replace(planned, **changes).recorded()


def test_estimate_is_that_of_the_study(planned, toy, monkeypatch):
    asked = []

    def estimate(recipes, data, seeds):
        asked.append((recipes, data.fingerprint(), seeds))
        return 12.5

    monkeypatch.setattr(plan, "estimate_seconds", estimate)
    assert planned.estimate_seconds() == 12.5
    assert asked == [(planned.recipes, toy().fingerprint(), 2)]


# --- The course ---


def test_chapters_are_numbered_in_order_and_have_one_slug():
    assert [chapter.number for chapter in CHAPTERS] == list(range(len(CHAPTERS)))
    slugs = [chapter.slug for chapter in CHAPTERS]
    assert len(set(slugs)) == len(slugs)
    assert all(slug.isidentifier() and slug == slug.lower() for slug in slugs)
    assert CHAPTERS[7].notebook == "notebooks/07_cutout.ipynb"


def test_chapters_say_what_they_are_about():
    for chapter in CHAPTERS:
        assert chapter.title
        assert chapter.claim.endswith(".")


@by_slug
def test_a_written_chapter_has_a_plan(chapter):
    arms = list(chapter.plan.recipes)
    assert chapter.plan.slug == chapter.slug
    assert chapter.plan.seeds >= 5
    if chapter.arm is not None:
        assert chapter.arm in arms[1:]
        assert chapter.setting
    # What is recorded rebuilds the recipe.
    for recipe in chapter.plan.recipes.values():
        assert repr(eval(repr(recipe), NAMES)) == repr(recipe)


@by_slug
def test_a_plan_measures_what_the_chapter_reports(chapter, toy):
    recipe = next(iter(chapter.plan.recipes.values()))
    run = fit(replace(recipe, epochs=2, batch_size=16, model=BASE.model), toy(), device="cpu")
    if chapter.slug == "baseline":  # evaluates on its own data
        run = replace(run, model=partial(mlp, hidden=())(1, 10))
    figures = chapter.plan.measure(run)
    assert figures.keys() >= {chapter.metric, *final_metrics(run)}
    assert all(isinstance(figure, int | float | list) for figure in figures.values())


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Stand-ins for the recorded results: arm number n is n points better than the first."""
    monkeypatch.setattr(plan, "RESULTS", tmp_path)
    for chapter in WRITTEN:
        arms = {arm: repr(recipe) for arm, recipe in chapter.plan.recipes.items()}
        runs = {
            arm: {
                seed: {chapter.metric: 0.8 + 0.01 * number + 0.001 * seed}
                for seed in range(chapter.plan.seeds)
            }
            for number, arm in enumerate(arms)
        }
        none = {arm: {} for arm in arms}
        StudyResult(arms, next(iter(arms)), runs, none, {}).save(chapter.plan.path)


@by_slug
def test_a_chapter_says_what_its_record_says(chapter, recorded):
    shown = card(chapter.slug).data
    assert shown.startswith("| | |\n|---|---|\n")
    assert {line.count(" | ") for line in shown.splitlines()[2:]} == {1}
    assert chapter.claim in shown
    assert chapter.line in shown
    assert f"{chapter.minutes} minutes to read" in shown
    if chapter.arm is None:
        arm = next(iter(chapter.plan.recipes))
        assert f"{chapter.plan.recorded().spread(arm)} of test accuracy" in shown
    else:
        gap = chapter.difference()
        points = list(chapter.plan.recipes).index(chapter.arm)
        assert gap.mean == pytest.approx(0.01 * points)
        assert chapter.verdict() == (
            f"{gap.verdict}: {gap} of {METRICS[chapter.metric]}, "
            f"{chapter.plan.seeds} seeds; {chapter.setting}"
        )
        assert f"**{gap.verdict}**: {gap} of" in shown


def test_a_card_of_no_chapter_is_refused():
    with pytest.raises(ValueError, match=r"^expected one of \['baseline', 'warmup', .*, got 'x'$"):
        card("x")


def test_baseline_is_judged_on_validation_images_too():
    baseline = CHAPTERS[0].plan
    data = baseline.data()
    assert [len(split) for split in data.splits.values()] == [8000, 2000, 5000]
    assert baseline.data() is data  # loaded once, though each run asks for it
    run = fit(BASE, data.subset(train=64, test=50), device="cpu")
    expected = evaluate(run.model, data, "validation").accuracy
    assert baseline.measure(run)["validation_accuracy"] == expected


def test_warmup_looks_for_the_spike_before_and_after():
    loss = [3.0, 9.0, 2.0, 1.0, 7.0, 1.0, 0.5, 0.25, 0.125]  # 3 steps an epoch
    run = Run(
        replace(BASE, epochs=3), 0, None, History(loss=loss, epochs=[Metrics(0.5, 1.0, 0.1)]), 1.0
    )
    figures = warmup.PLAN.measure(run)
    assert (figures["peak_loss_during"], figures["peak_loss_after"]) == (9.0, 7.0)
    assert figures["train_loss"] == pytest.approx((0.5 + 0.25 + 0.125) / 3)
    assert figures["loss"] == loss


def test_warmup_compares_what_goyal_compared():
    recipes = warmup.PLAN.recipes
    small, large = recipes["small batches"], recipes["no warmup"]
    assert large.batch_size / small.batch_size == large.lr / small.lr == 16
    assert {recipe.epochs for recipe in recipes.values()} == {4}
    for arm in ("constant warmup", "gradual warmup"):
        assert replace(recipes[arm], schedule=large.schedule) == large
        schedule = recipes[arm].schedule
        assert large.lr * schedule(0) == pytest.approx(small.lr)
        for time in (1, 1.5, 2.7, 3.9):  # the first epoch of four is all that differs
            assert schedule(time) == large.schedule(time)
    assert large.schedule(0.5) == 1
    assert recipes["constant warmup"].schedule(0.99) == 1 / 16
    assert recipes["gradual warmup"].schedule(0.5) == pytest.approx((1 / 16 + 1) / 2)


# --- The switches of the command line ---


def test_every_trick_is_a_chapter():
    assert set(TRICKS) <= {chapter.slug for chapter in CHAPTERS}


@pytest.mark.parametrize("name", TRICKS)
@pytest.mark.parametrize("epochs", [1, 7, 30])
def test_a_trick_changes_the_recipe_and_not_its_size(name, epochs):
    recipe = replace(BASE, epochs=epochs)
    switched = TRICKS[name](recipe)
    slots = [field.name for field in fields(Recipe)]
    changed = {slot for slot in slots if getattr(switched, slot) != getattr(recipe, slot)}
    assert changed
    assert not changed & {"epochs", "batch_size", "lr"}
    assert repr(eval(repr(switched), NAMES)) == repr(switched)


@pytest.mark.parametrize("epochs", [1, 10])
def test_warmup_takes_a_tenth_and_decays_to_the_end(epochs):
    schedule = TRICKS["warmup"](replace(BASE, epochs=epochs)).schedule
    assert schedule(0) == 0
    assert schedule(0.1 * epochs) == pytest.approx(1)
    assert schedule(0.55 * epochs) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)

from dataclasses import FrozenInstanceError, fields, replace
from functools import partial

import pytest
import torch

import tricks_lib
from tricks_lib import (
    Cutout,
    LabelSmoothingLoss,
    Metrics,
    Mixup,
    Recipe,
    Split,
    StudyResult,
    cosine_decay,
    cosine_restarts,
    evaluate,
    fit,
    mlp,
    study,
    supervised,
)
from tricks_lib.lab.ensemble import Ensemble
from tricks_lib.lab.study import final_metrics
from tricks_lib.lab.train import History, Run
from tricks_lib.studies import (
    CHAPTERS,
    METRICS,
    RESULTS,
    TRICKS,
    StudyPlan,
    cutout,
    decay,
    label_smoothing,
    linear_scaling,
    mixup,
    plan,
    warmup,
)
from tricks_lib.studies.card import card
from tricks_lib.studies.plan import best_tries, on_validation, only_at_the_end

NAMES = vars(tricks_lib) | {"partial": partial}
WRITTEN = [chapter for chapter in CHAPTERS if chapter.written]
BASE = Recipe(epochs=1, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))

by_slug = pytest.mark.parametrize("chapter", WRITTEN, ids=lambda chapter: chapter.slug)


def seeds_of(plan):
    return list(range(plan.seeds)) if isinstance(plan.seeds, int) else list(plan.seeds)


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


def twice_as_long(recipe, data, seed, device):
    return fit(replace(recipe, epochs=2), data, seed, device)


def test_a_plan_can_train_in_its_own_way_with_its_own_seeds(planned, toy):
    result = replace(planned, train=twice_as_long, seeds=(7, 3)).record()
    assert result.seeds == [3, 7]
    expected = final_metrics(twice_as_long(BASE, toy(), 7, None))
    assert result.runs["plain"][7] == expected
    assert result.provenance["train"] == "twice_as_long"
    assert replace(planned, seeds=(7, 3)).recorded() == result
    with pytest.raises(ValueError, match="was recorded with"):
        planned.recorded()


def test_a_choice_is_made_on_validation_images(toy):
    data = toy().hold_out(16)
    run = on_validation(BASE, data, 0, "cpu")
    assert run.final == evaluate(run.model, data, "validation")


def searched(**accuracies):
    """A search with these accuracies; None stands for a run that diverged."""
    runs = {
        arm: {n: None if a is None else {"accuracy": a, "nll": -a} for n, a in enumerate(values)}
        for arm, values in accuracies.items()
    }
    diverged = {
        arm: {n: 5 for n, a in enumerate(values) if a is None} for arm, values in accuracies.items()
    }
    return StudyResult(dict.fromkeys(runs, ""), next(iter(runs)), runs, diverged, {})


def test_the_best_try_of_each_group_by_its_mean():
    result = searched(a=[0.9, 0.5], b=[0.75, 0.75], c=[0.99, None], d=[0.1, 0.1], e=[0.1, 0.1])
    tries = {"one": ["a", "b", "c"], "two": ["d", "e"]}
    assert best_tries(result, tries) == {"one": "b", "two": "d"}
    assert best_tries(result, tries, "nll") == {"one": "a", "two": "d"}
    with pytest.raises(ValueError, match=r"^every try of 'three' diverged$"):
        best_tries(result, {"three": ["c"]})


def test_recording_makes_every_run_again(planned):
    made = planned.record()
    worse = replace(made, runs={arm: {0: {"accuracy": 0.0}} for arm in made.runs})
    worse.save(planned.path)
    assert planned.record().runs == made.runs


def test_a_study_that_is_not_recorded_says_how_to(planned):
    message = "^toy.json is not recorded yet: run `make study CHAPTER=toy` in a checkout"
    with pytest.raises(FileNotFoundError, match=message):
        planned.recorded()


def test_a_search_is_recorded_with_its_chapter(planned):
    message = "^toy-tuning.json is not recorded yet: run `make study CHAPTER=toy` in a checkout"
    with pytest.raises(FileNotFoundError, match=message):
        replace(planned, slug="toy-tuning").recorded()


def test_the_parts_of_a_chapter_are_the_search_the_study_and_the_others(planned):
    search, noisy = replace(planned, slug="toy-tuning"), replace(planned, slug="toy-noisy")
    whole = replace(planned, tuning=search, beside=(noisy,))
    assert whole.parts == [search, whole, noisy]
    assert {part.chapter for part in whole.parts} == {"toy"}
    assert planned.parts == [planned]


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
    assert len(seeds_of(chapter.plan)) >= 5
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
    own = ("baseline", "decay", "label_smoothing", "cutout", "mixup")
    if chapter.slug in own:  # evaluate on their own data
        model = partial(mlp, hidden=())(1, 10)
        run = replace(run, model=model, snapshots={2: model})
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
                for seed in seeds_of(chapter.plan)
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
            f"{len(seeds_of(chapter.plan))} seeds; {chapter.setting}"
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
    assert not changed & {"epochs", "batch_size"}
    assert "lr" not in changed or "optimizer" in changed  # rates of two optimizers do not compare
    assert repr(eval(repr(switched), NAMES)) == repr(switched)


@pytest.mark.parametrize("epochs", [1, 10])
def test_warmup_takes_a_tenth_and_decays_to_the_end(epochs):
    schedule = TRICKS["warmup"](replace(BASE, epochs=epochs)).schedule
    assert schedule(0) == 0
    assert schedule(0.1 * epochs) == pytest.approx(1)
    assert schedule(0.55 * epochs) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)


def test_adabound_is_switched_on_with_the_limit_of_the_recipes_sgd():
    switched = TRICKS["adabound"](replace(BASE, lr=0.05))
    weights = torch.nn.Linear(1, 1)
    optimizer = switched.optimizer(weights, switched.lr)
    (group,) = optimizer.param_groups
    assert group["final_lr"] * (1 - group["betas"][0]) == pytest.approx(0.05)


@pytest.mark.parametrize("epochs", [1, 10])
def test_the_cosine_ends_with_the_training(epochs):
    schedule = TRICKS["decay"](replace(BASE, epochs=epochs)).schedule
    assert schedule(0) == 1
    assert schedule(epochs / 2) == pytest.approx(0.5)
    assert schedule(epochs) == pytest.approx(0, abs=1e-12)


def test_smoothing_and_mixing_are_switched_on_with_the_papers_settings():
    objective = supervised(LabelSmoothingLoss(epsilon=0.1))
    assert repr(TRICKS["label_smoothing"](BASE).objective) == repr(objective)
    assert TRICKS["mixup"](BASE).mix == Mixup(alpha=1.0)
    assert TRICKS["cutout"](BASE).augment == Cutout(size=8)


# --- All that is recorded ---

PARTS = [part for chapter in WRITTEN for part in chapter.plan.parts]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.slug)
def test_every_study_is_recorded_as_planned_on_the_data_of_its_plan(part):
    found = part.recorded()
    assert found.provenance["data_fingerprint"] == part.data().fingerprint()
    assert found.provenance["measure"] == part.measure.__name__
    assert len(seeds_of(part)) >= 5 or part.slug.endswith("-tuning")


@pytest.mark.parametrize(
    "part", [part for part in PARTS if "-" in part.slug], ids=lambda part: part.slug
)
def test_what_a_part_measures_can_be_measured(part):
    data, recipe = part.data(), next(iter(part.recipes.values()))
    model = mlp(data.channels, data.num_classes, hidden=())
    history = History(loss=[1.0] * recipe.epochs, epochs=[Metrics(0.5, 1.0, 0.1)])
    figures = part.measure(Run(recipe, 0, model, history, 1.0))
    recorded = next(iter(part.recorded().runs.values()))[seeds_of(part)[0]]
    assert figures.keys() == recorded.keys()


# --- The studies of chapters 05, 07 and 09 ---


def test_the_logit_gap_is_the_label_against_the_mean_of_the_others():
    logits = torch.tensor([[1.0, 5.0, 3.0], [0.0, 0.0, 6.0]])
    assert label_smoothing.logit_gap(logits, torch.tensor([1, 2])).tolist() == [3.0, 6.0]


@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0])
def test_the_best_temperature_undoes_a_factor(factor):
    draws = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20_000, 5, generator=draws)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=draws)[:, 0]
    found = label_smoothing.best_temperature(factor * logits, labels)
    assert found == pytest.approx(factor, rel=0.05)


def test_all_settings_of_label_smoothing_share_their_test_images():
    prints = {part.data().test.labels.sum().item() for part in CHAPTERS[5].plan.parts}
    assert len(prints) == 1
    wrong = label_smoothing.wrong_labels().train.labels != label_smoothing.few().train.labels
    assert wrong.sum() == 400
    assert label_smoothing.few().train.images.equal(label_smoothing.many().train.images[:1000])


@pytest.mark.parametrize("size", [1, 6, 14, 28])
def test_hidden_squares_are_whole_and_the_same_for_every_fill(size):
    plain = cutout.data()
    black = cutout.hide_squares(plain, size, "black").test.images
    noise = cutout.hide_squares(plain, size, "noise").test.images
    grey = cutout.hide_squares(plain, size).test.images
    value = round(255 * plain.mean.item())
    white = replace(plain, test=Split(torch.full_like(plain.test.images, 255), plain.test.labels))
    hidden = cutout.hide_squares(white, size, "black").test.images == 0
    assert (hidden.sum(dim=(1, 2, 3)) == size**2).all()
    assert (black[hidden] == 0).all() and (grey[hidden] == value).all()
    for images in (black, noise, grey):
        assert images[~hidden].equal(plain.test.images[~hidden])
    assert noise[hidden].float().mean() == pytest.approx(127.5, abs=6)


def test_tags_are_the_only_thing_in_their_corner():
    tagged = cutout.tags()
    for split, share in ((tagged.train, 0.9), (tagged.test, 0.5)):
        corner = split.images[:, 0, :8, :8]
        assert split.labels.float().mean().item() == pytest.approx(share)
        assert (corner.flatten(1).sum(dim=1) == 9 * 255 * split.labels).all()
        assert (corner[:, 2:5, 2:5] == 255).all(dim=2).all(dim=1).equal(split.labels == 1)


def test_only_at_the_end_is_one_evaluation(toy):
    run = only_at_the_end(replace(BASE, epochs=3), toy(), 0, torch.device("cpu"))
    assert len(run.history.epochs) == 1
    assert run.final == evaluate(run.model, toy())


def test_mixup_is_compared_at_equal_length():
    recipes = CHAPTERS[9].plan.recipes
    for epochs in mixup.DURATIONS:
        lengths = {recipes[f"{name}, {epochs} epochs"].epochs for name in mixup.MIXES}
        assert lengths == {epochs}
    assert mixup.few().train.labels.equal(mixup.data().train.labels[:300])
    assert (mixup.wrong_labels().train.labels != mixup.few().train.labels).sum() == 120


# --- The studies of chapters 02 to 04 ---


def test_large_batches_see_the_same_images():
    plan = CHAPTERS[2].plan
    assert len(plan.data().train) == linear_scaling.IMAGES
    for name, recipe in plan.recipes.items():
        assert linear_scaling.IMAGES % recipe.batch_size == 0
        assert recipe.batch_size == int(name.split(",")[0])
        assert recipe.epochs == (24 if "24 epochs" in name else 6)
        assert recipe.schedule(1) == 1
        k = recipe.batch_size / 32
        base = 0.02 * (4 if "x 4" in name else 0.25 if "/ 4" in name else 1)
        rule = {"rate kept": 1, "square root": k**0.5}.get(name.partition(", ")[2], k)
        assert recipe.lr == pytest.approx(base * rule)
        start = base / recipe.lr if "warmup" in name else 1
        assert recipe.schedule(0) == pytest.approx(start)


def test_the_loss_curve_of_a_large_batch_counts_images():
    recipe = replace(BASE, epochs=1, batch_size=128)
    loss = [4.0, 2.0, 3.0, 3.0, 1.0, 1.0, 1.0, 0.0]
    history = History(loss=loss, epochs=[Metrics(0.5, 1.0, 0.1)])
    run = Run(recipe, 0, None, history, 1.0)
    assert CHAPTERS[2].plan.measure(run)["loss"] == [3.0, 0.75]
    larger = replace(run, recipe=replace(recipe, batch_size=1024))
    assert CHAPTERS[2].plan.measure(larger)["loss"] == loss


@pytest.mark.parametrize("chapter", [CHAPTERS[3], CHAPTERS[4]], ids=lambda chapter: chapter.slug)
def test_every_side_of_a_match_has_the_same_tries(chapter):
    module = chapter.module
    assert len({len(group) for group in module.GROUPS.values()}) == 1
    assert not set(module.TUNING.seeds) & set(range(module.PLAN.seeds))
    assert chapter.plan.tuning is module.TUNING
    assert module.data().validation is not None
    assert chapter.plan.data().fingerprint() == module.TUNING.data().fingerprint()


@pytest.mark.parametrize("chapter", [CHAPTERS[3], CHAPTERS[4]], ids=lambda chapter: chapter.slug)
def test_what_goes_on_is_what_won_the_search(chapter):
    module = chapter.module
    assert best_tries(module.TUNING.recorded(), module.GROUPS) == module.CHOSEN


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        (cosine_decay(15), [15]),
        (cosine_restarts(5), [5, 10, 15]),
        (cosine_restarts(1, 2), [1, 3, 7, 15]),
        (cosine_restarts(4), [4, 8, 12]),
    ],
    ids=repr,
)
def test_snapshots_are_taken_where_the_rate_is_lowest(schedule, ends):
    recipe = decay.recipe(15, 0.1, schedule)
    assert decay.ends_of_periods(recipe) == ends


def test_an_ensemble_of_one_is_the_network(toy, monkeypatch):
    monkeypatch.setattr(decay, "data", toy)
    recipe = replace(BASE, epochs=3)
    figures = decay.PLAN.measure(decay.with_snapshots(recipe, toy(), 0, "cpu"))
    assert figures["ensemble_accuracy"] == figures["accuracy"]
    assert figures["ensemble_nll"] == pytest.approx(figures["nll"], rel=1e-6)
    assert len(figures["accuracy_by_epoch"]) == 3
    several = replace(recipe, schedule=cosine_restarts(1))
    run = decay.with_snapshots(several, toy(), 0, "cpu")
    assert list(run.snapshots) == [1, 2, 3]
    together = evaluate(Ensemble(*run.snapshots.values()), toy())
    assert decay.PLAN.measure(run)["ensemble_nll"] == together.nll

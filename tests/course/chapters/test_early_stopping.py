import math
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tricks_lib import EarlyStopping, fit, load_data, mlp
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.stopping import GeneralizationLoss, never

SMALL = replace(BASELINE, epochs=6, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))
LOSSES = (0.9, 0.7, 0.6, 0.62, 0.61, 0.65, 0.5)


def digits():
    return load_data("digits").subset(train=120, test=50, seed=0).hold_out(40)


# --- The study ---


def test_what_rivals_is_what_won_the_search(study):
    best = best_tries(
        study.SEARCH.recorded(), study.TRIES, "validation_accuracy", then="validation_nll"
    )
    assert best == {kind: study.tried(kind, *values) for kind, values in study.CHOSEN.items()}


def test_the_learning_rate_of_the_tuned_stop_won_the_search(study):
    tries, metric = study.TRIES["constant"], f"validation_accuracy_{study.STOPPED}"
    best = best_tries(study.SEARCH.recorded(), {"stop": list(tries)}, metric)
    assert best == {"stop": study.tried("constant", study.STOP_LR)}


def test_the_fixed_number_of_epochs_won_the_search(study):
    found, arm = study.SEARCH.recorded(), study.tried("constant", study.LR)
    at = {n: found.mean(arm, f"validation_accuracy_{n} epochs") for n in study.FIXED}
    assert max(at, key=at.get) == study.CHOSEN_LENGTH


def test_the_rivals_are_arms_of_the_study(study):
    for name, (arm, ending) in study.RIVALS.items():
        assert arm in study.LONG.recipes and ending == "", name
    for one in study.LONG.rivals:
        assert one.against in {**study.LONG.recipes, **study.LONG.derived}


def test_arms_are_what_they_are_called(study):
    for plan in (study.LONG, study.AGAIN, study.SEARCH):
        for name, recipe in plan.recipes.items():
            kind, *values = name.rsplit(" ", 2 if name.startswith(("cosine ", "weight")) else 1)
            assert recipe.stop == never and recipe.batch_size == 50
            if kind == "weight decay":
                decay, lr = map(float, values)
                assert recipe.optimizer.keywords == {"weight_decay": decay} and recipe.lr == lr
                assert replace(recipe, optimizer=BASELINE.optimizer) == study.recipe(lr=lr)
            elif kind == "constant":
                assert recipe == study.recipe(lr=float(values[0]))
            elif kind == "cosine":
                assert recipe == study.cosine(int(values[0]), float(values[1]))
    assert study.LONG.recipes[study.TO_END] == study.recipe()
    assert study.LONG.recipes[study.COSINE] == study.cosine(study.EPOCHS)
    assert study.PLAN.recipes[study.IN_THE_LOOP] == replace(study.recipe(), stop=EarlyStopping(5))
    assert study.PLAN.recipes[study.SHORT_COSINE] == study.cosine(*study.CHOSEN["cosine"])


def test_what_chooses_shares_no_seed_with_what_is_judged(study):
    seeds = [*study.SEARCH.seed_list, *study.LONG.seed_list, *study.AGAIN.seed_list]
    seeds += study.PLAN.seed_list
    assert len(set(seeds)) == len(seeds)


def test_each_seed_draws_its_own_images_and_its_own_wrong_labels(study):
    first, second = study.NOISY_DATA(0), study.NOISY_DATA(1)
    assert len(first.train) == len(first.validation) == 1000
    assert not first.train.images.equal(second.train.images)
    assert first.test.images.equal(second.test.images)
    right = study.RIGHT_DATA(0)
    assert first.train.images.equal(right.train.images)
    assert (first.train.labels != right.train.labels).sum() == 400
    assert first.validation.labels.equal(right.validation.labels)


def test_a_rule_is_read_off_as_fit_obeys_it(study):
    data = digits().with_label_noise(0.4)
    recipe = replace(SMALL, epochs=12, lr=0.4)
    long = study.with_snapshots(recipe, data, seed=0)
    losses = study.Read(long, data).losses
    for rule in (EarlyStopping(1), EarlyStopping(2), GeneralizationLoss(3.0)):
        run = fit(replace(recipe, stop=rule), data, seed=0)
        end, kept = study.stopped(rule, losses)
        assert (len(run.history.validation), run.history.kept + 1) == (end, kept)
        for name, value in run.model.state_dict().items():
            assert value.equal(long.snapshots[kept].state_dict()[name])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (EarlyStopping(1), (4, 3)),
        (EarlyStopping(3), (6, 3)),
        (EarlyStopping(4), (7, 7)),
        (GeneralizationLoss(5.0), (6, 3)),
    ],
)
def test_a_stop_is_read_off_the_losses(study, rule, expected):
    assert study.stopped(rule, LOSSES) == expected


def test_of_equal_losses_the_first_is_the_best(study):
    assert study.best([0.5, 0.4, 0.4]) == 2


def test_misled_labels_are_wrong_in_about_the_share_that_is_said(study):
    labels = torch.arange(10_000) % 10
    wrong = study.made_wrong(labels, seed=3) != labels
    assert wrong.float().mean().item() == pytest.approx(study.WRONG, abs=0.02)
    assert study.made_wrong(labels, seed=3).equal(study.made_wrong(labels, seed=3))


def read(study, accuracies, validation):
    """What a run of known answers is read as: so many validation and test images are right."""
    labels = torch.zeros(100, dtype=torch.int64)
    eye = torch.eye(10)

    def answered(share):
        return eye[(torch.arange(100) >= round(100 * share)).long()]

    class Known(study.Read):
        test = property(lambda self: study.scores([answered(a) for a in accuracies], labels))
        answers = property(lambda self: [answered(a) for a in validation])
        labels = property(lambda self: torch.zeros(100, dtype=torch.int64))

    return Known(SimpleNamespace(seed=0), None)


def test_optimism_is_taken_at_the_epoch_that_the_images_choose(study):
    found = read(study, [0.5, 0.6, 0.7], [0.5, 0.9, 0.8]).said_too_much()
    assert found["optimism_1000"] == pytest.approx(0.9 - 0.6)
    assert found["gap_1000"] == pytest.approx(0.8 - 0.7)
    assert found["optimism_50"] == pytest.approx(1 - 0.5)  # the first 50 are always right


def test_metrics_at_an_epoch_are_those_of_that_epoch(study):
    found = read(study, [0.5, 0.6, 0.7], [0.5, 0.9, 0.8]).of(2, "_x")
    assert found["accuracy_x"] == pytest.approx(0.6)
    assert found["validation_accuracy_x"] == pytest.approx(0.9)


def test_switched_on_it_waits_for_five_epochs(switch):
    assert switch(BASELINE, None).stop == EarlyStopping(patience=5)


# --- The derivation ---


def test_shares_are_those_of_the_formulas(entry):
    figures = entry.part("figures")
    assert figures.kept_by_steps(np.array([1.0]), 0.1, 10)[0] == pytest.approx(0.6513, abs=1e-4)
    assert figures.kept_by_steps(np.array([0.01]), 0.1, 10)[0] == pytest.approx(0.00995, abs=1e-5)
    assert figures.kept_by_decay(np.array([1.0]), 1.0)[0] == 0.5


def test_a_stop_keeps_more_in_every_direction_and_at_most_a_fifth_more(entry):
    figures, lr, steps = entry.part("figures"), 1e-4, 1000
    curvature = np.geomspace(1e-3, 1e3, 2001)
    gap = figures.kept_by_steps(curvature, lr, steps) - figures.kept_by_decay(
        curvature, 1 / (lr * steps)
    )
    assert gap.min() > -1e-9
    assert gap.max() == pytest.approx(0.204, abs=1e-3)
    assert lr * steps * curvature[gap.argmax()] == pytest.approx(2.51, abs=0.02)


def test_the_noise_of_a_linear_model_is_largest_along_flat_directions():
    draws = np.random.default_rng(0)
    n, scales = 500, np.array([3.0, 1.0, 0.3])
    x = draws.standard_normal((n, 3)) * scales
    curvatures, directions = np.linalg.eigh(x.T @ x / n)
    errors = []
    for _ in range(2000):
        noise = draws.standard_normal(n)
        errors.append(directions.T @ np.linalg.solve(x.T @ x, x.T @ noise))
    found = np.var(errors, axis=0)
    assert found == pytest.approx(1 / (n * curvatures), rel=0.15)


def test_the_linear_model_is_gradient_descent_and_ridge(entry):
    figures = entry.part("figures")
    linear = figures.Linear(digits())
    x, rows = linear.inputs("train"), linear.targets
    weights = np.zeros((x.shape[1], 10))
    for _ in range(30):
        weights -= 0.5 * x.T @ (x @ weights - rows) / len(rows)
    shares = figures.kept_by_steps(linear.curvatures, 0.5, 30)
    np.testing.assert_allclose(linear.weights(shares), weights, atol=1e-7)
    alpha = 0.03
    ridge = np.linalg.solve(x.T @ x / len(x) + alpha * np.eye(x.shape[1]), x.T @ rows / len(x))
    shares = figures.kept_by_decay(linear.curvatures, alpha)
    np.testing.assert_allclose(linear.weights(shares), ridge, atol=1e-7)


# --- What a choice says too much ---


def test_the_luck_of_one_try_is_none_and_grows_with_the_tries(entry):
    luck = entry.part("figures").luck
    assert luck(50, 0.8, 1) == pytest.approx(0, abs=2e-3)
    assert luck(50, 0.8, 5) < luck(50, 0.8, 20) < luck(50, 0.8, 100)
    assert luck(200, 0.8, 20) == pytest.approx(luck(50, 0.8, 20) / math.sqrt(4), rel=0.1)


def test_the_best_of_many_is_chosen_by_validation_alone(entry):
    figures = entry.part("figures")
    chosen = {"cosine a": 0.9, "cosine b": 0.8, "other": 0.99}
    tested = {"cosine a": 0.6, "cosine b": 0.7, "other": 0.1}
    result = SimpleNamespace(
        runs=chosen,
        values=lambda arm, name="accuracy": {
            0: (tested if name == "accuracy" else chosen)[arm],
        },
    )
    tries = ["cosine a", "cosine b"]
    assert figures.best_of_many(result, tries, 50) == {0: (0.9, 0.6)}

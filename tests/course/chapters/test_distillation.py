import pickle
from dataclasses import replace
from pickle import UnpicklingError

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tricks_lib import Distillation, Recipe, fit, mlp
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.plan import best_tries
from tricks_lib.lab.steps import device_by_default, pick_device
from tricks_lib.lab.study import code_hash
from tricks_lib.lab.study.run import as_text
from tricks_lib.objectives import cross_entropy
from tricks_lib.ops.written import same

CPU = torch.device("cpu")


def pixels(split):
    return {image.numpy().tobytes() for image in split.images}


@pytest.mark.parametrize("seed", [0, 7])
def test_student_teacher_and_nobodys_images_are_apart(study, seed):
    mine, theirs = study.MINE(seed), study.of_the_teacher(seed)
    more = study.with_further(seed)
    assert (len(mine.train), len(theirs.train), len(more.train)) == (300, 4000, 4000)
    assert more.train.images[:300].equal(mine.train.images)
    assert more.train.labels[:300].equal(mine.train.labels)
    for other in (theirs.train, mine.validation, mine.test):
        assert pixels(more.train).isdisjoint(pixels(other))
    assert pixels(theirs.train).isdisjoint(pixels(mine.validation) | pixels(mine.test))


def test_each_seed_draws_its_own(study):
    for images in (study.MINE, study.of_the_teacher, study.with_further):
        assert not images(0).train.images.equal(images(1).train.images)
        assert images(3).train.images.equal(images(3).train.images)
        assert images(0).test.images.equal(images(1).test.images)


def quick(study, teacher):
    """A teacher that is trained in no time."""
    return replace(teacher, recipe=replace(teacher.recipe, epochs=1), images=study.MINE)


def test_a_teacher_is_trained_once_for_each_seed(study):
    teacher = quick(study, study.AS_SMALL)
    again = quick(study, study.AS_SMALL)
    first = teacher.of_seed(0, CPU)
    assert teacher == again and again.of_seed(0, CPU) is first
    assert teacher.of_seed(1, CPU) is not first
    assert not first.training


def test_another_teacher_never_gets_the_first_ones_network_nor_its_runs(study):
    one = quick(study, study.AS_SMALL)
    others = [
        replace(one, recipe=replace(one.recipe, lr=0.02)),
        replace(one, images=study.of_the_teacher),
        quick(study, study.SMOOTHED),
    ]
    for other in others:
        assert other.of_seed(0, CPU) is not one.of_seed(0, CPU)
        arms = [study.student(teacher) for teacher in (one, other)]
        assert as_text(arms[0]) != as_text(arms[1])
        assert code_hash(arms[0]) != code_hash(arms[1])


def test_it_starts_elsewhere_than_its_student(study):
    teacher = quick(study, study.NO_WISER)
    network = teacher.of_seed(0, CPU)
    as_the_student = fit(teacher.recipe, study.MINE(0), seed=0, device=CPU).model
    pairs = zip(network.parameters(), as_the_student.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)


def test_the_student_learns_from_the_teacher_of_its_seed(study, monkeypatch):
    seen, network = [], nn.Flatten()
    monkeypatch.setattr(study, "fit", lambda recipe, data, **how: seen.append((recipe, data)))
    monkeypatch.setattr(study.Teacher, "of_seed", lambda self, seed, device: network)
    ways = {study.with_teacher: 300, study.on_further: 4000, study.on_the_teachers: 4000}
    for train, images in ways.items():
        train(study.student(study.GOOD), study.MINE(4), seed=4, device=CPU)
        recipe, data = seen.pop()
        assert recipe.objective == Distillation(network, 4.0, 0.9)
        assert len(data.train) == images
    alone = study.recipe(1, 0.1)
    study.with_teacher(alone, study.MINE(4), seed=4, device=CPU)
    assert seen.pop()[0] is alone


def test_a_teacher_that_is_not_trained_says_so(study):
    with pytest.raises(ValueError, match="not trained yet"):
        study.GOOD(torch.zeros(1, 1, 28, 28))


def test_hard_targets_are_the_teachers_classes(study):
    student, teacher = nn.Linear(4, 3), nn.Linear(4, 3)
    images = torch.randn(6, 4)
    loss, logits = study.Answers(teacher)(student, images, torch.zeros(6, 3))
    named = teacher(images).argmax(1)
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, named))
    loss.backward()
    assert teacher.weight.grad is None


def test_the_long_runs_cost_what_distillation_costs(study):
    """Multiplications of the training of the teacher, of its answers, and of the student."""

    def cost(hidden, backward):
        network, images = mlp(1, 10, hidden=hidden), torch.zeros(50, 1, 28, 28)
        with FlopCounterMode(display=False) as counter:
            answers = network(images)
            if backward:
                answers.sum().backward()
        return counter.get_total_flops() / 50

    teacher = study.GOOD.recipe
    answered = study.LABELLED * study.EPOCHS
    whole = (
        cost(study.WIDE, True) * study.TAUGHT * teacher.epochs
        + cost(study.WIDE, False) * answered
        + cost(study.SMALL, True) * answered
    )
    epochs = whole / (cost(study.SMALL, True) * study.LABELLED)
    assert round(epochs) == study.LONG
    assert study.PLAN.recipes[study.LONGER].epochs == study.LONG


def test_arms_differ_in_what_their_names_say(study):
    recipes = study.PLAN.recipes
    plain = recipes[study.ALONE]
    objectives = {
        study.TEACHER: Distillation(study.GOOD, 4.0, 0.9),
        study.COLD: Distillation(study.GOOD, 1.0, 0.9),
        study.HOT: Distillation(study.GOOD, 20.0, 0.9),
        study.AS_SMALL_AS: Distillation(study.AS_SMALL, 4.0, 0.9),
        study.NO_MORE: Distillation(study.NO_WISER, 4.0, 0.9),
        study.SMOOTHED_4: Distillation(study.SMOOTHED, 4.0, 0.9),
        study.SMOOTHED_1: Distillation(study.SMOOTHED, 1.0, 0.9),
    }
    for name, objective in objectives.items():
        assert same(recipes[name], replace(plain, lr=study.LR_TAUGHT, objective=objective))
    assert same(recipes[study.SMOOTH], replace(plain, objective=study.SOFTENED))
    assert same(study.NO_WISER.recipe, plain) and study.NO_WISER.images == study.MINE
    assert study.AS_SMALL.recipe.model.keywords == plain.model.keywords
    assert same(study.SMOOTHED.recipe, replace(study.GOOD.recipe, objective=study.SOFTENED))


def test_learning_rates_are_the_best_of_the_recorded_search(study):
    groups = (study.SHORT_TRY, study.LONG_TRY, study.TAUGHT_TRY)
    tries = {group: [study.tried(group, lr) for lr in study.RATES] for group in groups}
    best = best_tries(study.SEARCH.recorded(), tries, then="nll")
    chosen = zip(groups, (study.LR, study.LR_LONG, study.LR_TAUGHT), strict=True)
    assert best == {group: study.tried(group, lr) for group, lr in chosen}
    for lr in (study.LR, study.LR_LONG, study.LR_TAUGHT):
        assert min(study.RATES) < lr < max(study.RATES)


def test_switched_on_it_has_a_teacher_of_the_same_recipe(switch, study):
    data = study.MINE(0).subset(train=64)
    before = replace(BASELINE, epochs=1, batch_size=16, model=study.GOOD.recipe.model)
    after = switch(before, data)
    assert replace(after, objective=before.objective) == before
    objective = after.objective
    assert (objective.temperature, objective.alpha) == (4.0, 0.9)
    wanted = fit(before, data, seed=study.OTHER_START).model
    images = data.normalize(data.test.images[:20])
    device = next(wanted.parameters()).device
    torch.testing.assert_close(objective.teacher(images.to(device)), wanted(images.to(device)))


# --- A teacher in a file ---


def test_a_saved_teacher_is_known_by_its_weights(entry):
    teachers, model = entry.part("teachers"), mlp
    one, other = (mlp(1, 10) for _ in range(2))
    saved = [teachers.save(network, model, 1, 10) for network in (one, other)]
    assert saved[0] != saved[1] and saved[0] == teachers.save(one, model, 1, 10)
    images = torch.randn(3, 1, 28, 28)
    for network, teacher in zip((one, other), saved, strict=True):
        torch.testing.assert_close(teacher(images), network.eval()(images))
    texts = {as_text(Recipe(objective=Distillation(teacher))) for teacher in saved}
    assert len(texts) == 2


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", str(tmp_path / "networks"))


@pytest.mark.usefixtures("cache")
def test_the_teacher_of_the_switch_is_trained_once(switch, study, entry, monkeypatch):
    teachers, trained = entry.part("teachers"), []

    def counted(recipe, data, seed):
        trained.append(recipe)
        return fit(recipe, data, seed=seed)

    monkeypatch.setattr(teachers, "fit", counted)
    data = study.MINE(0).subset(train=64)
    short = replace(BASELINE, epochs=1, batch_size=16, model=study.GOOD.recipe.model)
    first = switch(short, data)
    assert switch(short, data) == first and len(trained) == 1
    others = [(replace(short, lr=0.01), data), (short, data.subset(train=32))]
    assert all(switch(*other) != first for other in others) and len(trained) == 3
    first.objective.teacher.file.write_bytes(b"damaged")
    teachers._loaded.cache_clear()
    assert switch(short, data) == first and len(trained) == 4
    lost = replace(short, objective=lambda *batch: cross_entropy(*batch))
    assert switch(lost, data).objective == switch(lost, data).objective and len(trained) == 6


@pytest.mark.usefixtures("cache")
def test_a_teacher_is_trained_where_the_student_is(switch, study, entry, monkeypatch):
    teachers, devices = entry.part("teachers"), []

    def pretended(recipe, data, seed):
        devices.append(pick_device())
        return fit(recipe, data, seed=seed, device="cpu")

    monkeypatch.setattr(teachers, "fit", pretended)
    with device_by_default(torch.device("meta")):
        switch(replace(BASELINE, epochs=1, batch_size=16), study.MINE(0).subset(train=16))
    assert devices == [torch.device("meta")] and pick_device().type != "meta"


def test_a_teacher_takes_its_weights_to_another_machine(entry, monkeypatch, tmp_path):
    teachers = entry.part("teachers")
    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", str(tmp_path / "here"))
    teacher = teachers.save(mlp(1, 10), mlp, 1, 10)
    images = torch.randn(3, 1, 28, 28)
    answers, packed = teacher(images), pickle.dumps(teacher)
    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", str(tmp_path / "there"))
    teachers._loaded.cache_clear()
    there = pickle.loads(packed)
    assert there == teacher and there.file.is_relative_to(tmp_path / "there")
    torch.testing.assert_close(there(images), answers)


def test_a_place_of_another_machine_is_not_used(entry, monkeypatch, tmp_path):
    teachers = entry.part("teachers")
    teacher = teachers.save(mlp(1, 10), mlp, 1, 10)
    away = replace(teacher, path=str(tmp_path / "away" / "weights.pt"))
    away.file.parent.mkdir()
    away.file.write_bytes(teacher.file.read_bytes())
    packed = pickle.dumps(away)
    away.file.unlink()
    there = pickle.loads(packed)
    assert there == teacher and not away.file.exists()


def test_a_cache_that_cannot_be_written_costs_no_teacher(entry, monkeypatch, tmp_path):
    teachers = entry.part("teachers")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr("tricks_lib.lab.data.cache.NETWORKS", str(tmp_path / "file" / "networks"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    network = mlp(1, 10)
    teacher = teachers.save(network, mlp, 1, 10)
    images = torch.randn(3, 1, 28, 28)
    torch.testing.assert_close(teacher(images), network.eval()(images))


def test_a_file_with_other_weights_is_refused(entry, tmp_path):
    teachers = entry.part("teachers")
    teacher = teachers.save(mlp(1, 10), mlp, 1, 10)
    torch.save(mlp(1, 10).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="holds other weights"):
        replace(teacher, path=str(tmp_path / "other.pt"))(torch.zeros(1, 1, 28, 28))
    with pytest.raises(FileNotFoundError):
        replace(teacher, path=str(tmp_path / "gone.pt"))(torch.zeros(1, 1, 28, 28))


def test_a_file_with_more_than_weights_is_refused(entry, tmp_path):
    teachers = entry.part("teachers")
    teacher = teachers.save(mlp(1, 10), mlp, 1, 10)
    torch.save({"weights": object}, tmp_path / "code.pt")
    with pytest.raises(UnpicklingError, match="Weights only load failed"):
        replace(teacher, path=str(tmp_path / "code.pt"))(torch.zeros(1, 1, 28, 28))


def test_a_fingerprint_covers_running_statistics(entry):
    teachers = entry.part("teachers")
    network = nn.BatchNorm1d(3)
    before = teachers.fingerprint(network)
    assert teachers.fingerprint(network) == before
    network(torch.randn(5, 3))
    assert teachers.fingerprint(network) != before


# --- The numbers of the derivation ---


def test_doubtful_images_are_between_two_classes(entry):
    logits = torch.tensor([[9.0, 0, 0], [2.0, 2, -5], [0, 3.0, 2.9], [1.0, 1, 1]])
    assert entry.part("figures").doubtful(logits, count=2) == [1, 2]


def test_gradients_tend_to_the_limit_and_shrink_without_the_square(entry):
    gradients = entry.part("figures").gradients
    z, r = (3 * torch.randn(50, 10) for _ in range(2))
    cold, warm, hot = (gradients(z, r, T) for T in (1.0, 20.0, 1000.0))
    assert cold[2] > warm[2] > hot[2] and hot[2] < 0.02
    assert hot[0] < 1e-4 * cold[0]
    assert hot[1] == pytest.approx(1e6 * hot[0])

import pytest
import torch

from tricks_lib import AutoAugment, RandAugment, TrivialAugment
from tricks_lib.augment import identity
from tricks_lib.augment.autoaugment import NAMES, POLICIES, WITH_MAGNITUDE
from tricks_lib.course.baseline import BASELINE


def test_arms_differ_in_the_augmentation_alone(study):
    for plan, augments, epochs in (
        (study.PLAN, study.AUGMENTS, 16),
        (study.TONES, study.SINGLE, 8),
        (study.KINDS, study.SINGLE, 8),
    ):
        for name, recipe in plan.recipes.items():
            assert recipe == study.recipe(augments[name], epochs)
    for name, recipe in study.SEARCH.recipes.items():
        policy = study.CANDIDATES.get(name)
        assert recipe == study.recipe(AutoAugment(policy) if policy else identity)


def test_the_learning_rate_is_that_of_chapter_09(study):
    from tricks_lib.course.chapters.mixup import study as mixup

    assert study.recipe(identity) == mixup.recipe(mixup.keep, 16, mixup.LR[16])


def test_later_tricks_stand_at_their_defaults(study):
    assert study.AUGMENTS["RandAugment"] == RandAugment(num_ops=2, magnitude=9)
    assert study.AUGMENTS["TrivialAugment"] == TrivialAugment()


def test_the_policy_that_was_found_is_that_of_the_recorded_search(study, entry):
    best = study.best_candidates(study.SEARCH.recorded())
    assert len(best) == study.KEPT
    pairs = tuple(pair for name in best for pair in study.CANDIDATES[name])
    assert pairs == entry.part("policies").FOUND
    assert len(pairs) == 25  # as many as the published ones
    assert AutoAugment(pairs).policy == pairs


def test_unchosen_are_all_pairs_of_the_search(study):
    assert len(study.UNCHOSEN) == 100
    assert set(study.AUGMENTS["found"].policy) <= set(study.UNCHOSEN)


def test_search_and_training_share_no_images_with_the_judges(study):
    data = study.SEARCH_DATA(100)
    assert (len(data.train), len(data.validation)) == (1000, 2000)
    seen = {image.numpy().tobytes() for image in data.train.images}
    assert not seen & {image.numpy().tobytes() for image in data.validation.images}
    assert study.SEARCH.on == "validation"


def test_drawn_policies_are_from_the_whole_space(entry):
    policies = entry.part("policies")
    drawn = [
        operation
        for seed in range(400)
        for pair in policies.draw_policy(seed)
        for operation in pair
    ]
    assert {name for name, _, _ in drawn} == set(NAMES) - {"Identity"}
    assert {p for _, p, _ in drawn} == {tenths / 10 for tenths in range(11)}
    assert {m for name, _, m in drawn if name in WITH_MAGNITUDE} == set(range(10))
    assert {m for name, _, m in drawn if name not in WITH_MAGNITUDE} == {None}
    assert policies.draw_policy(3) == policies.draw_policy(3) != policies.draw_policy(4)


def test_a_single_operation_is_applied_as_often_as_it_says(entry):
    policy = entry.part("policies").one_operation("Invert", 0.8, None)
    torch.manual_seed(0)
    draw = AutoAugment(policy).draw((10_000, 1, 8, 8))
    share = (draw.operation == NAMES.index("Invert")).double()
    assert share[:, 0].mean().item() == pytest.approx(0.8, abs=0.02)
    assert (draw.operation[:, 1] == 0).all()


def test_laundry_is_dark_or_light(study):
    laundry, clothes = study.laundry(), study.pool()
    for split in ("train", "test"):
        one, other = laundry.splits[split], clothes.splits[split]
        assert one.images.equal(other.images) and not one.labels.equal(other.labels)
    assert laundry.train.labels.double().mean().item() == pytest.approx(0.5, abs=0.01)
    tones = study.tone(laundry.test.images)
    assert tones[laundry.test.labels == 1].min() > tones[laundry.test.labels == 0].max()


def test_tone_is_the_mean_of_what_is_not_black(study):
    image = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    image[0, 0, 0, :2] = torch.tensor([100, 200], dtype=torch.uint8)
    assert study.tone(image).tolist() == [150, 0]


def test_switched_on_it_is_the_policy_of_cifar10(switch):
    assert switch(BASELINE, None).augment == AutoAugment("cifar10")


@pytest.mark.parametrize(("policy", "share"), [("cifar10", 0.223), ("svhn", 0.094)])
def test_what_is_untouched_is_counted(entry, policy, share):
    figures = entry.part("figures")
    assert figures.untouched(POLICIES[policy]) == pytest.approx(share, abs=5e-4)
    images = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8)
    nothing, same = figures.unchanged(policy, images, 10_000)
    assert nothing == pytest.approx(share, abs=0.015)
    assert same >= nothing


def test_leads_sum_to_zero_and_the_search_is_left_out(entry, study):
    result, leads = study.SEARCH.recorded(), entry.part("figures").leads
    for seed in (100, 101, 102):
        found = leads(result, seed)
        assert sum(first for first, _ in found.values()) == pytest.approx(0, abs=1e-9)
        assert sum(again for _, again in found.values()) == pytest.approx(0, abs=1e-9)
    others = [leads(result, seed)["policy 3"][0] for seed in (101, 102)]
    assert leads(result, 100)["policy 3"][1] == pytest.approx(sum(others) / 2)

"""What chapter 02 says of its records, and what Goyal et al. 2017 and others printed.

Chapter: notebooks/02_linear_scaling.ipynb
"""

from itertools import pairwise

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    Hurts,
    NoneSeen,
    Orders,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.standing.comparisons import result
from tricks_lib.lab.study import Difference, StudyResult

from .study import (
    AGAIN,
    BASE,
    BEST,
    DOUBLINGS,
    FRESH,
    FURTHER,
    GRID,
    KEPT,
    LINEAR,
    NEAR,
    PLAN,
    ROOT,
    SMALL,
    SUDDEN,
    WARMED,
    arm,
    arms,
    as_good,
    best,
    best_of,
    longest,
    named,
)

__all__ = ["CLAIMS"]

AT_ONCE = len(PLAN.rivals) + 1
LOW, HIGH = NEAR
GOYAL = "Goyal et al. 2017, arXiv:1706.02677, table 2a"
FIGURE_3 = "Goyal et al. 2017, arXiv:1706.02677, figure 3"
BENCHMARK = "hysts/pytorch_image_classification, README.md"


def best_rates() -> list[float]:
    """Return the best learning rate of each batch size."""
    return [GRID[best(PLAN.recorded(), size)].lr for size in DOUBLINGS]


def doubles_up_to_256() -> None:
    """Compare the best learning rates of neighbouring batch sizes."""
    rates = best_rates()
    steps = [later / earlier for earlier, later in pairwise(rates)]
    assert [round(step) for step in steps] == [2, 2, 2, 1, 2, 1], f"they grow by {steps}"
    assert rates[0] == LOW, f"the best at batches of 32 is {rates[0]}"


def half_a_point_at_512() -> list[float]:
    """Return the ends of the good range at batches of 512."""
    good = as_good(PLAN.recorded(), 512)
    return [min(good), max(good)]


def behind(base: float) -> Difference:
    """Return how far the linear rule's answer at 512 is from the best learning rate there."""
    recorded = PLAN.recorded()
    return recorded.difference(named("linear", base, 512), baseline=best(recorded, 512))


def order_of_the_rules_depends_on_the_start() -> None:
    """Compare linear and square root at 512, with warmup, on both sets of seeds."""
    for plan in (PLAN, AGAIN):
        found = plan.recorded()
        words = [
            found.difference(
                arm(512, 16 * base, warmup=True),
                baseline=arm(512, 4 * base, warmup=True),
                comparisons=4,
            ).verdict
            for base in NEAR
        ]
        assert words == ["helps", "hurts"], f"{plan.name}: {words}"


def warmup_at_its_best() -> None:
    """Compare each side at its best learning rate: it hurts at two batch sizes, helps at none."""
    found, words = PLAN.recorded(), {}
    for size, rates in WARMED.items():
        without, warm = (
            best_of(found, arms(size, rates, warmup=warmup)) for warmup in (False, True)
        )
        gap = found.difference(warm, baseline=without, comparisons=len(WARMED))
        words[size] = gap.verdict
    hurts = [size for size, word in words.items() if word == "hurts"]
    assert hurts == [256, 512] and "helps" not in words.values(), words


def warmup_in_colour() -> float:
    """Return what warmup adds to the rule in the long runs of the standing setting, in points."""
    recorded = result("colour")
    assert recorded is not None
    gap = recorded.difference("large batches, scaled, warmup", baseline="large batches, scaled")
    assert gap.low > 0, gap
    return 100 * gap.mean


def one_rate_is_good_up_to_512() -> None:
    """Look for 0.16 among the learning rates within half a point of the best."""
    assert all(0.16 in as_good(PLAN.recorded(), size) for size in (32, 64, 128, 256, 512))


def warmup_has_the_higher_mean_at_far_too_large_rates() -> None:
    """Compare the means at 2.56 and 5.12."""
    found = PLAN.recorded()
    for lr in (2.56, 5.12):
        warm, without = (found.mean(arm(512, lr, warmup=warmup)) for warmup in (True, False))
        assert found.mean(best(found, 512)) - 0.1 > warm > without, f"at {lr}: {warm}, {without}"


def equal_steps(size: int, epochs: int) -> Difference:
    """Return how far the large batch is ahead of a smaller one that makes as many steps."""
    found = PLAN.recorded()
    return found.difference(longest(found, epochs), baseline=best(found, size), comparisons=2)


def as_many_steps() -> None:
    """Look at both verdicts."""
    words = [equal_steps(128, 24).verdict, equal_steps(32, 96).verdict]
    assert words == ["no difference seen", "hurts"], f"the record says {words}"


def loss_after_96_epochs(result: StudyResult) -> float:
    """Return the training loss of the longest runs."""
    return result.mean(longest(result, 96), "train_loss")


def lagging(size: int) -> list[float]:
    """Return the accuracy as trained and with fresh running averages, in per cent."""
    found = PLAN.recorded()
    return [
        100 * found.mean(best(found, size, f"validation_accuracy{ending}"), f"accuracy{ending}")
        for ending in ("", FRESH)
    ]


CLAIMS: list[Claim] = [
    # The declared comparisons.
    NoneSeen(PLAN, LINEAR, baseline=KEPT, comparisons=AT_ONCE),
    Hurts(PLAN, LINEAR, baseline=BEST, comparisons=AT_ONCE),
    Hurts(PLAN, LINEAR, baseline=SMALL, comparisons=AT_ONCE),
    NoneSeen(PLAN, LINEAR, baseline=SUDDEN, comparisons=AT_ONCE),
    Hurts(PLAN, LINEAR, baseline=ROOT, comparisons=AT_ONCE),
    Hurts(FURTHER, LINEAR, baseline=ROOT, comparisons=AT_ONCE),
    Helps(PLAN, LINEAR, "train_loss", baseline=KEPT, comparisons=AT_ONCE),
    Hurts(PLAN, BEST, baseline=SMALL, by=0.04, carries="on the same images it stays ahead."),
    Says(
        "Tuned batches of 512 end {:.1f} points behind batches of 32 on the same images.",
        lambda: -100 * PLAN.recorded().difference(BEST, baseline=SMALL).mean,
    ),
    # The grid.
    *(
        NoneSeen(
            PLAN,
            arm(32, base),
            baseline=SMALL,
            comparisons=2,
            carries="At batches of 32, no difference is seen between 0.02, 0.04 and 0.08.",
        )
        for base in NEAR
    ),
    Holds(
        "the best learning rate doubles up to 256, and once more up to 2,048",
        doubles_up_to_256,
        carries="Here the best mean doubled with the batch from 32 to 256",
    ),
    Says("At 512, only {:g} and {:g} are within half a point of the best.", half_a_point_at_512),
    Says(
        "the linear rule ends {:.1f}, {:.1f} and {:.1f} points behind the best learning rate at "
        "512.",
        lambda: [-100 * behind(base).mean for base in (LOW, BASE, HIGH)],
    ),
    Holds(
        "the order of the rules depends on the start",
        order_of_the_rules_depends_on_the_start,
        carries="from 0.02 linear is ahead of the square root, from 0.08 far behind.",
    ),
    Orders(PLAN, [named(rule, BASE, 512) for rule in ("square root", "linear", "kept")]),
    NoneSeen(PLAN, arm(512, 0.32), baseline=arm(512, 0.16), carries="0.16 to 0.32, whichever rule"),
    # Warmup, steps, running averages.
    Holds(
        "warmup, each side at its best learning rate",
        warmup_at_its_best,
        carries="warmup helps at none of four batch sizes, and hurts at 256 and 512.",
    ),
    Says("in *colour* (70 epochs) it added {:.0f} points", warmup_in_colour),
    Holds(
        "0.16 is good up to 512",
        one_rate_is_good_up_to_512,
        carries="yet 0.16 is within half a point of the best from 32 to 512.",
    ),
    Holds(
        "far too large a learning rate has the higher mean with warmup",
        warmup_has_the_higher_mean_at_far_too_large_rates,
        carries="with far too large a learning rate, the mean is higher with warmup",
    ),
    Holds(
        "as many steps as batches of 128, and of 32",
        as_many_steps,
        carries="With as many steps as batches of 128, no difference in test accuracy is seen",
    ),
    Says(
        "the large batch is still {:.1f} points behind",
        lambda: -100 * equal_steps(32, 96).mean,
    ),
    Within(
        "the training loss after 96 epochs",
        PLAN,
        loss_after_96_epochs,
        high=0.01,
        carries="its training loss is nearly zero",
    ),
    Says("they lift batches of 2,048 from {:.1f} to {:.1f} %.", lambda: lagging(2048)),
    # The papers.
    Printed("| 256 images, 0.05 | 23.92 ± 0.10 |", GOYAL),
    Printed("| 256 images, 0.1 | 23.60 ± 0.12 |", GOYAL),
    Printed("| 256 images, 0.2 | 23.68 ± 0.09 |", GOYAL),
    Printed("| 8,192 images, 0.05 · 32 | 24.27 ± 0.08 |", GOYAL),
    Printed("| 8,192 images, 0.1 · 32 | 23.74 ± 0.09 |", GOYAL),
    Printed("| 8,192 images, 0.2 · 32 | 24.05 ± 0.18 |", GOYAL),
    Printed("| 8,192 images, 0.1 | 41.67 ± 0.10 |", GOYAL),
    Printed("| 8,192 images, 0.1 · √32 | 26.22 ± 0.03 |", GOYAL),
    Says(
        "the linear rule ends {:.2f} points behind batches of 256, the square root {:.2f}, the "
        "unchanged learning rate {:.2f} (",
        lambda: [error - 23.60 for error in (23.74, 26.22, 41.67)],
    ),
    Printed("24.79 % at 16,384 images, 27.55 % at 32,768 and 33.96 % at 65,536", FIGURE_3),
    Printed("| 128 | 8.09 | 7.28 | 0.4 |", BENCHMARK),
    Printed("| 256 | 8.61 | 7.45 | 0.8 |", BENCHMARK),
    Printed("| 512 | 8.22 | 7.73 | 0.8 to 1.6 |", BENCHMARK),
    Printed("| 1024 | 8.40 | 8.07 | 1.6 |", BENCHMARK),
    Printed("| 2048 | 8.87 | 8.69 | 2.4 |", BENCHMARK),
    Printed("| 4096 | 10.57 | 10.32 | 1.6 |", BENCHMARK),
]

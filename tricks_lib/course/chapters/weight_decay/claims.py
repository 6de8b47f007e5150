"""What chapter 14 says of its records, and what the papers printed.

Chapter: notebooks/14_weight_decay.ipynb
"""

import math

from tricks_lib.course.claims import (
    Claim,
    Helps,
    Holds,
    Hurts,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.standing.comparisons import finding, plan

from .figures import best_rate, grid, of_recipe
from .study import (
    ADAM_L2,
    ADAMW,
    AGAIN,
    ALL,
    COMMON,
    DECAY,
    DECAYS,
    FREE,
    HELD,
    NARROW,
    NONE,
    OTHERS,
    PLAN,
    RATES,
    SEARCH,
    SPARSE,
    STOPPED,
    STRENGTHS,
    UNDER_ADAM,
    WEAK,
    WEIGHTS,
    proximal,
    subgradient,
    tried,
    without,
)

__all__ = ["CLAIMS"]

CHEAP = "These three cheap rivals do not do it."
ASKED = 1 + len(PLAN.rivals)


def dose_of(setting: str, images: int) -> float:
    """Return the dose of the usual strength in a standing setting."""
    return of_recipe(plan(setting).recipes["baseline"], images, COMMON)


def share_of_nll(arm: str) -> float:
    """Return which part of the gain in NLL an arm has, in percent."""
    recorded = PLAN.recorded()
    none, own, best = (recorded.mean(name, "nll") for name in (NONE, arm, ALL))
    return 100 * (own - none) / (best - none)


def tried_accuracy(decay: float, lr: float) -> float:
    """Return the mean validation accuracy of a try with SGD, in percent."""
    return 100 * SEARCH.recorded().mean(tried("SGD", decay, lr))


def same_product() -> list[float]:
    """Return the accuracies of the fields whose learning rate times strength is 0.0008."""
    return [
        tried_accuracy(decay, lr)
        for decay in sorted(DECAYS["SGD"], reverse=True)
        for lr in RATES["SGD"]
        if math.isclose(decay * lr, 0.0008)
    ]


def the_rate_hardly_matters_without_decay() -> None:
    """Compare the spread of the rows of the grid."""
    spreads = [max(row) - min(row) for row in grid(SEARCH.recorded(), "SGD")]
    assert spreads[0] < 1 and spreads[-1] > 10, spreads


def best_fields_have_the_doses() -> list[float]:
    """Return the doses of the two best fields, the smaller first."""
    fields = {
        (decay, lr): tried_accuracy(decay, lr) for decay in DECAYS["SGD"] for lr in RATES["SGD"]
    }
    best = sorted(fields, key=lambda field: fields[field])[-2:]
    doses = [of_recipe(SEARCH.recipes[tried("SGD", *field)], 1000, field[0]) for field in best]
    return sorted(doses)


def best_rates() -> list[float]:
    """Return the best learning rates of the two largest strengths."""
    return [best_rate(SEARCH.recorded(), "SGD", decay) for decay in DECAYS["SGD"][-2:]]


def best_of_adam(way: str) -> float:
    """Return the best mean of a way with decay, in percent."""
    searched = SEARCH.recorded()
    tries = [tried(way, decay, lr) for decay in DECAYS[way] if decay for lr in RATES[way]]
    return 100 * max(searched.mean(name) for name in tries)


def adam_without() -> float:
    """Return the best mean of Adam without decay, in percent."""
    searched = SEARCH.recorded()
    return 100 * max(searched.mean(tried("Adam, L2", 0.0, lr)) for lr in RATES["Adam, L2"])


def in_the_standing_settings() -> None:
    """Look at the verdicts of both."""
    for name, word in (("garments", "no difference seen"), ("colour", "helps")):
        found = finding("weight_decay", name)
        assert found is not None and found.word == word, f"{name}: {found}"


def both_strengths() -> list[float]:
    """Return how far the accuracies of the two strengths of AdamW are apart, in points, and their
    NLLs, the smaller strength first; the images are the same."""
    one, three = PLAN.recorded(), UNDER_ADAM.recorded()
    apart = 100 * abs(three.mean(ADAMW) - one.mean(ADAMW))
    losses = [found.mean(ADAMW, "nll") for found in (one, three)]
    assert losses[0] < losses[1], losses
    return [apart, *losses]


CLAIMS: list[Claim] = [
    # Does it help?
    Helps(PLAN, ALL, comparisons=ASKED, carries="It helped here on 1,000 images and in *colour*"),
    Helps(AGAIN, ALL, carries="It helped here on 1,000 images and in *colour*"),
    *(
        Helps(PLAN, ALL, baseline=rival, comparisons=ASKED, carries=CHEAP)
        for rival in (STOPPED, NARROW, without(0.05))
    ),
    NoneSeen(
        PLAN,
        WEAK,
        carries="With the usual strength no difference in accuracy is seen here, nor in *garments*",
    ),
    Helps(PLAN, WEAK, "nll", comparisons=2, by=0.02, carries="Its NLL is a little lower here"),
    Says(
        "Its NLL is a little lower here: {:.2f} against {:.2f}.",
        lambda: [PLAN.recorded().mean(name, "nll") for name in (WEAK, NONE)],
    ),
    Holds(
        "weight decay in the standing settings",
        in_the_standing_settings,
        carries="It helped here on 1,000 images and in *colour*; in *garments*, with a dose of "
        "0.16, no difference in accuracy is seen.",
    ),
    Says(
        "the doses are {:.2f} and {:.2f}.",
        lambda: [of_recipe(PLAN.recipes[WEAK], 1000, COMMON), dose_of("garments", 8000)],
    ),
    Says("In *colour* the dose is {:.1f}.", lambda: dose_of("colour", 4000)),
    # The grids.
    Holds(
        "the rows of the grid",
        the_rate_hardly_matters_without_decay,
        carries="Without decay the five means lie within 1 point.",
    ),
    Says("the best one falls as λ rises: {:g} at 0.008, and {:g} at 0.032.", best_rates),
    Says(
        "With SGD these tries are best; their doses are {:.1f} and {:.1f}.",
        best_fields_have_the_doses,
    ),
    Says(
        "a learning rate of 0.4 with λ = 0.002 also has {:.1f}, and only {:.1f} %.",
        lambda: [
            of_recipe(SEARCH.recipes[tried("SGD", 2e-3, 0.4)], 1000, 2e-3),
            tried_accuracy(2e-3, 0.4),
        ],
    ),
    Says("need not be equal: {:.1f}, {:.1f} and {:.1f} % at 0.0008.", same_product),
    Says(
        "Under Adam the best of the 12 tries with L2 has {:.1f} %, as no decay has, and the best "
        "of AdamW's {:.1f} %.",
        lambda: [best_of_adam("Adam, L2"), best_of_adam("AdamW")],
    ),
    Within("Adam without decay, %", SEARCH, lambda _: adam_without(), low=81.95, high=82.05),
    # Which weights.
    Says(
        "Decay on the convolutions alone brings {:.0f} % of the gain in NLL, and holding their "
        "lengths {:.0f} %.",
        lambda: [share_of_nll(FREE), share_of_nll(HELD)],
    ),
    Says("Decay on all the others brings {:.0f} %", lambda: share_of_nll(OTHERS)),
    Within(
        "shares of the gain in NLL of the two parts together, %",
        PLAN,
        lambda _: share_of_nll(FREE) + share_of_nll(OTHERS),
        low=105,
        carries="The parts overlap.",
    ),
    Within(
        "calibration error with decay on the convolutions alone, points",
        PLAN,
        lambda result: 100 * result.mean(FREE, "ece"),
        low=10,
        carries="their size changes the answers, and with smaller ones the network is less "
        "confident.",
    ),
    Within(
        "calibration error with decay on all the others, points",
        PLAN,
        lambda result: 100 * result.mean(OTHERS, "ece"),
        high=5,
        carries="their size changes the answers, and with smaller ones the network is less "
        "confident.",
    ),
    *(
        Helps(
            PLAN,
            name,
            "nll",
            comparisons=4,
            carries="decay keeps the effective learning rate up: about a quarter of the gain in "
            "NLL here.",
        )
        for name in (ALL, FREE, OTHERS, HELD)
    ),
    NoneSeen(PLAN, WEIGHTS, baseline=ALL, comparisons=2),
    Hurts(
        PLAN,
        WEIGHTS,
        "nll",
        baseline=ALL,
        comparisons=2,
        carries="here, leaving biases and normalisation layers out cost NLL.",
    ),
    # Adam.
    Helps(
        UNDER_ADAM,
        ADAMW,
        baseline=ADAM_L2,
        comparisons=2,
        carries="**Under Adam** take `AdamW`",
    ),
    Hurts(UNDER_ADAM, ADAMW, "nll", baseline=ADAM_L2, comparisons=2),
    *(
        Helps(
            PLAN,
            ADAMW,
            metric,
            baseline=ADAM_L2,
            comparisons=5,
            carries="With these AdamW was",
        )
        for metric in ("accuracy", "nll")
    ),
    Says(
        "With these AdamW was {:.1f} points ahead over ten seeds, and its NLL was lower: {:.2f} "
        "against {:.2f}.",
        lambda: [
            100 * (PLAN.recorded().mean(ADAMW) - PLAN.recorded().mean(ADAM_L2)),
            *(PLAN.recorded().mean(name, "nll") for name in (ADAMW, ADAM_L2)),
        ],
    ),
    Says(
        "In test accuracy the two strengths of AdamW are {:.1f} points apart, and the NLL is lower "
        "with 1: {:.2f} against {:.2f}.",
        both_strengths,
    ),
    # L1.
    *(
        Within(
            f"exact zeros, {name}",
            SPARSE,
            lambda result, name=name: result.mean(name, "zeros"),  # type: ignore[misc]
            high=0,
            carries="With the penalty in the loss no weight is exactly zero",
        )
        for name in map(subgradient, STRENGTHS)
    ),
    Within(
        "exact zeros of the stronger proximal step",
        SPARSE,
        lambda result: result.mean(proximal(STRENGTHS[-1]), "zeros"),
        low=0.63,
        high=0.69,
        carries="with the proximal step up to two thirds are.",
    ),
    Within(
        "largest change of accuracy by an L1 penalty, points",
        SPARSE,
        lambda result: max(
            abs(100 * (result.mean(name) - result.mean(NONE)))
            for strength in STRENGTHS
            for name in (subgradient(strength), proximal(strength))
        ),
        high=0.3,
        carries="By the means, the accuracy stays within 0.3 points of none.",
    ),
    # The derivation.
    Says(
        "The dose is 600 · 0.05 · 0.0005 / 0.1 = {:.2f}: an unneeded weight keeps {:.0f} % of its "
        "size.",
        lambda: [600 * 0.05 * COMMON / 0.1, 100 * math.exp(-600 * 0.05 * COMMON / 0.1)],
    ),
    Within(
        "dose of the decay of the chapter",
        PLAN,
        lambda _: of_recipe(PLAN.recipes[ALL], 1000, DECAY),
        low=1.9,
        high=1.95,
    ),
    # The papers.
    Printed("from 76.37 to 76.03 % with batches of 1,024", "He et al. 2019, table 4"),
    Printed("and from 76.19 to 76.16 % with batches of 256", "He et al. 2019, table 4"),
    Printed('"has no regularizing effect"', "van Laarhoven 2017, abstract"),
    Printed(
        "on CIFAR-10, the authors' own example has λ = 1e-4.",
        "facebookresearch/mixup-cifar10, README.md",
    ),
]

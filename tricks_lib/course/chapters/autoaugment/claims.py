"""What chapter 11 says of its records, and what the papers printed.

Chapter: notebooks/11_autoaugment.ipynb
"""

import math
from collections.abc import Callable

from tricks_lib.augment.autoaugment import POLICIES
from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Says
from tricks_lib.course.plan import StudyPlan
from tricks_lib.course.standing.comparisons import result

from .figures import amount, leads, untouched
from .study import CANDIDATES, KINDS, PLAN, SEARCH, TONES

__all__ = ["CLAIMS"]

CUBUK = "Cubuk et al. 2018, tables"

HOURS = "Cubuk et al. 2019, as quoted in public notes"

DECLARED = 5
"""Comparisons of the study, read together."""

CROSSED = 4
"""Comparisons of Figure 3, read together."""


def gained(plan: StudyPlan, arm: str, sign: int = 1) -> Callable[[], float]:
    """Return how to work out by how many points an arm's mean lies above the first arm's."""
    return lambda: sign * 100 * plan.recorded().difference(arm).mean


def winner(seed: int) -> list[float]:
    """Return the lead of a search's winner, first measured again and then in the search."""
    found = leads(SEARCH.recorded(), seed)
    first, again = max(found.values())
    return [100 * again, 100 * first]


def in_colour(metric: str, scale: float = 1) -> list[float]:
    """Return a mean without and with AutoAugment in the standing setting."""
    found = result("colour")
    assert found is not None
    return [scale * found.mean(arm, metric) for arm in ("baseline", "AutoAugment")]


def seeds_in_colour() -> int:
    """Return how many seeds the standing setting has."""
    found = result("colour")
    assert found is not None
    return len(found.runs["AutoAugment"])


def in_words(count: int) -> str:
    """Return a number as it stands in a sentence."""
    return {5: "five", 10: "ten"}.get(count, str(count))


def extremes() -> None:
    """Look for the first and the last of each search."""
    found, firsts, lasts = SEARCH.recorded(), [], []
    for seed in SEARCH.seed_list:
        order = sorted((found.values(name)[seed], name) for name in CANDIDATES)
        firsts.append(order[-1][1])
        lasts.append(order[0][1])
    assert set(lasts) == {"policy 17"}, lasts
    assert len(set(firsts)) == len(firsts), firsts


def of_twenty() -> float:
    """Return the mean of the largest of 20 standard normal numbers, by a sum over a fine grid."""
    step, total = 1e-3, 0.0
    for k in range(-8000, 8000):
        x = k * step
        below = 0.5 * math.erfc(-x / math.sqrt(2))
        density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        total += x * 20 * below**19 * density * step
    return total


def policies_in_all() -> tuple[float, int]:
    """Return how many policies of five pairs there are, as a power of ten."""
    power = 10 * math.log10(16 * 11 * 10)
    return 10 ** (power % 1), int(power)


CLAIMS: list[Claim] = [
    # The derivation.
    Says("So 0.3 · 0.7 = {:.2f} of its images", lambda: untouched(POLICIES["cifar10"][1:2])),
    Says("={:.1f}$ degrees", lambda: amount("Rotate", 2, (28, 28))),
    Says("={:.1f}$, cut to 12", lambda: amount("TranslateX", 9, (28, 28))),
    Says("over the pairs: {:.0f} % for CIFAR-10", lambda: 100 * untouched(POLICIES["cifar10"])),
    Says("\\approx{:.1f}\\cdot10^{{{}}}$", policies_in_all),
    Says("the winner leads their mean by {:.1f} points", of_twenty),
    # A label that an operation falsifies.
    Hurts(TONES, "brightness", comparisons=CROSSED),
    Hurts(KINDS, "rotation", comparisons=CROSSED),
    Hurts(KINDS, "brightness", comparisons=CROSSED),
    NoneSeen(
        TONES, "rotation", comparisons=CROSSED, carries="and of rotations no difference is seen."
    ),
    Says("brightness costs {:.1f} points, and", gained(TONES, "brightness", -1)),
    Says("rotations cost {:.1f} points", gained(KINDS, "rotation", -1)),
    Says("points and brightness {:.1f}:", gained(KINDS, "brightness", -1)),
    # The study.
    Says(
        "1,000 training images, drawn anew for each seed, {} seeds, {} epochs, 3,000 test images.",
        lambda: [in_words(len(PLAN.seed_list)), PLAN.recipes["none"].epochs],
    ),
    Says(
        "(1,000 images, {} epochs, {} seeds).",
        lambda: [TONES.recipes["none"].epochs, in_words(len(TONES.seed_list))],
    ),
    Hurts(PLAN, "svhn", comparisons=DECLARED, carries="on clothes SVHN's hurt."),
    Helps(PLAN, "found", "nll", comparisons=6),
    *(
        NoneSeen(PLAN, "found", baseline="unchosen", comparisons=DECLARED, carries=carries)
        for carries in (
            "None of this shows that choosing pairs pays.",
            "Here the policy that was found had no lead over the unchosen pairs that could be told "
            "from luck.",
        )
    ),
    Helps(
        PLAN,
        "unchosen",
        baseline="TrivialAugment",
        comparisons=6,
        carries="The unchosen pairs are ahead of TrivialAugment as well",
    ),
    # The search.
    Says("led by {:.1f} points", lambda: winner(100)[1]),
    Says("lies {:.1f} points *below* the mean", lambda: -winner(100)[0]),
    Says("winners kept {:.1f} of {:.1f} points", lambda: winner(101)),
    Says("points and {:.1f} of {:.1f}.", lambda: winner(102)),
    Holds(
        "the last is always the same, the first never",
        extremes,
        carries="policy 17 is the last in all three searches, and no policy is the first in two.",
    ),
    # The standing settings.
    Says("*Colour* has {} seeds;", lambda: in_words(seeds_in_colour())),
    Says(
        "its baseline gets {:.0f} % of its own training images right, and with CIFAR-10's policy "
        "{:.0f} %.",
        lambda: in_colour("train_accuracy", 100),
    ),
    Says("The NLL falls there from {:.3f} to {:.3f}.", lambda: in_colour("nll")),
    # The papers.
    Printed("5,000 GPU hours for CIFAR-10", HOURS),
    Printed("15,000 for ImageNet.", HOURS),
    Printed("falls from 3.87 % to 3.08 % with Cutout, and to 2.68 %", CUBUK),
    Printed("| Wide ResNet, CIFAR-10 | 3.87 | 3.08 | 2.68 |", CUBUK),
    Printed("1,800 epochs | 2.67 | 2.31 | 1.48 |", CUBUK),
    Printed("| Wide ResNet, CIFAR-100 | 18.80 | 18.41 | 17.09 |", CUBUK),
    Printed("| Wide ResNet, SVHN | 1.50 | 1.30 | 1.07 |", CUBUK),
    Printed("from 24.70 to 22.37 %", CUBUK),
    Printed("Flowers 6.69 to 4.64 %, Pets 13.46 to 11.02 %, Aircraft 9.09 to 7.33 %", CUBUK),
    Printed("from 82.69 to 82.78 %", "Lee et al. 2020, table 7"),
    Printed("shorter training runs and/or smaller models", "composer, RandAugment"),
]

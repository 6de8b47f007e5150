"""What chapter 03 says of its records, and what SGDR and Bag of Tricks printed.

Chapter: notebooks/03_decay.ipynb
"""

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
from tricks_lib.course.plan import best_tries
from tricks_lib.course.standing.comparisons import finding, rival_finding
from tricks_lib.lab.study import Finding, StudyResult
from tricks_lib.schedules import cosine_decay

from .figures import after, floor
from .study import CHOSEN, FIFTHS, PLAN, SEARCH, TENTHS, TRIES, WEIGHTS, arm, tried

__all__ = ["CLAIMS"]

COSINE, CONSTANT = arm("cosine"), arm("constant")
AT_ONCE = len(PLAN.rivals) + 1
SGDR = "Loshchilov and Hutter 2017, table 1"
BAG_OF_TRICKS = "He, T. et al. 2019, table 6"


def winners_go_on() -> None:
    """Compare what goes on with what won the search."""
    best = best_tries(SEARCH.recorded(), TRIES, then="nll")
    expected = {shape: tried(shape, lr) for shape, lr in CHOSEN.items()}
    assert best == expected, f"the search found {best}"


def in_garments() -> Finding:
    """Return what the cosine gains in *garments* on a constant learning rate with averaged
    weights."""
    found = rival_finding("decay", "garments")
    assert found is not None, "garments is not recorded"
    return found


def decay_is_ahead_in_garments() -> None:
    """Look at the verdict against the rival."""
    assert in_garments().word == "helps", f"the record says {in_garments()}"


def gains() -> list[Finding]:
    """Return what the cosine gains on a constant learning rate, here and in *garments*."""
    found = [PLAN.finding(), finding("decay", "garments")]
    return [one for one in found if one]


def half_way(result: StudyResult) -> float:
    """Return by how much the cosine is ahead of the constant learning rate after 7 epochs of 15."""
    return after(result, 7, COSINE, CONSTANT).mean


CLAIMS: list[Claim] = [
    Says(
        "On the cosine it is {:.3f} after 2.5 epochs, {:.2f} after 5, {:.3f} after 7.5, and 0",
        lambda: [0.1 * cosine_decay(10)(time) for time in (2.5, 5, 7.5)],
    ),
    # The derivation.
    Says(r"With $\lambda=s=1$ and $\eta=0.1$ it is $0.1/1.9\approx{:.4f}$.", lambda: floor(0.1)),
    Says(r"With a tenth of the learning rate it is $0.01/1.99\approx{:.4f}$.", lambda: floor(0.01)),
    # The study.
    Holds("what goes on is what won the search", winners_go_on),
    Helps(
        PLAN,
        COSINE,
        comparisons=AT_ONCE,
        carries="the cosine gained",
    ),
    Says(
        "the cosine gained {:.1f} points on the best constant learning rate here, and {:.1f} in "
        "*garments*.",
        lambda: [100 * gain.difference.mean for gain in gains()],
    ),
    *(
        NoneSeen(
            PLAN,
            COSINE,
            baseline=arm(shape),
            comparisons=AT_ONCE,
            carries="No difference was seen between cosine, line and steps by tenths",
        )
        for shape in ("linear", TENTHS)
    ),
    Helps(
        PLAN,
        COSINE,
        baseline=arm(FIFTHS),
        comparisons=AT_ONCE,
        carries="steps by fifths were",
    ),
    Says(
        "steps by fifths were {:.1f} points behind.",
        lambda: 100 * PLAN.declared()[4].difference.mean,
    ),
    Hurts(
        PLAN,
        COSINE,
        baseline=WEIGHTS,
        comparisons=AT_ONCE,
        carries="So the average was ahead of the decay here",
    ),
    Says(
        "was {:.1f} points ahead of the cosine here, and {:.1f} behind in *garments*",
        lambda: [-100 * PLAN.declared()[1].difference.mean, 100 * in_garments().difference.mean],
    ),
    Holds(
        "the decay is ahead of the average in garments",
        decay_is_ahead_in_garments,
        carries="In *garments* the decay was ahead",
    ),
    Within(
        "the lead of the cosine before the second half",
        PLAN,
        half_way,
        high=0,
        carries="the gain comes in the second half",
    ),
    # The papers.
    Printed("| step, learning rate 0.1 | 4.24 | 20.33 |", SGDR),
    Printed("| step, learning rate 0.05 | 4.13 | 20.21 |", SGDR),
    Printed("| one cosine ($T_0=200$) | 3.86 | 19.98 |", SGDR),
    Printed("| $T_0=10$, doubling | 4.03 | 19.58 |", SGDR),
    Printed("| $T_0=1$, doubling | 4.09 | 19.74 |", SGDR),
    Printed("| ResNet-50-D | 77.16 | 77.91 |", BAG_OF_TRICKS),
    Printed("| Inception-V3 | 77.50 | 78.19 |", BAG_OF_TRICKS),
    Printed("| MobileNet | 71.90 | 72.83 |", BAG_OF_TRICKS),
    Printed("gained 0.7 to 0.9 points on steps in three networks", BAG_OF_TRICKS),
    Printed("and on CIFAR-10 0.3 to 0.4", SGDR),
]

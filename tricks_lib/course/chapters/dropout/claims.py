"""What chapter 15 says of its records, and what the papers printed.

Chapter: notebooks/15_dropout.ipynb
"""

from tricks_lib.course.claims import (
    Claim,
    Differs,
    Helps,
    Holds,
    Hurts,
    MakesNoDifference,
    NoneSeen,
    Printed,
    Says,
    Within,
)
from tricks_lib.course.standing.comparisons import finding, plan, rival_finding

from .study import (
    AGAIN,
    BEST_RATE,
    BOTH,
    CHOSEN,
    CLEAN,
    DECAY,
    EARLY,
    FORGOTTEN,
    HALF,
    LENGTHS,
    LOW_RATE,
    NETWORKS,
    NONE,
    PLAN,
    RESNET,
    RESNET_WRONG,
    SEARCH,
    SHIFT,
    SMALL,
    TEMPERATURE,
    TRIES,
    WITH_NORM,
    anew,
    length,
    tried,
)

__all__ = ["CLAIMS"]

DECLARED = 7
"""How many comparisons were declared; their intervals hold all at once."""

INSIDE, LAST = "batch norm, dropout inside", "batch norm, dropout last"
CHEAPER = "cheaper things work better"
FEWER = "Fewer units do not do it."
FIRST = "fewer epochs, a lower learning rate or weight decay: each did more here"


def percent(name: str, metric: str = "accuracy") -> float:
    """Return the recorded mean of a share, in percent."""
    return 100 * PLAN.recorded().mean(name, metric)


def gain(name: str, other: str = NONE) -> float:
    """Return by how many points of test accuracy an arm is ahead of another."""
    return percent(name) - percent(other)


def nine_tenths_diverged() -> None:
    """Look for a run of the search with dropout 0.9 that came to its end."""
    finished = SEARCH.recorded().values(tried("dropout", 0.9))
    assert not finished, f"these seeds did: {finished}"


def standing_settings_see_nothing() -> None:
    """Look at both standing settings, and at the rival in *colour*."""
    for name in ("garments", "colour"):
        found = finding("dropout", name)
        assert found is not None and found.word == "no difference seen", f"{name}: {found}"
    longer = rival_finding("dropout", "colour")
    assert longer is not None and longer.word == "hurts", str(longer)


def first_seeds_leave_zero_out_by_little() -> None:
    """Look at the interval of both together."""
    found = PLAN.recorded().difference(BOTH, baseline=EARLY, comparisons=DECLARED)
    assert 0 < found.low < 0.001, str(found)


def variance_is_shifted_behind_dropout_alone() -> None:
    """Compare the ratios of variances behind dropout with those of the controls."""
    found = SHIFT.recorded()
    for name in WITH_NORM:
        for k in range(1, 5):
            ratio = found.mean(name, f"ratio_{k}")
            behind = name == INSIDE and k > 1
            low, high = (0.65, 0.75) if behind else (0.985, 1.005)
            assert low <= ratio <= high, f"{name}, layer {k}: {ratio}"


CLAIMS: list[Claim] = [
    # Wrong labels.
    Helps(PLAN, HALF, by=0.05, comparisons=DECLARED, carries="It works"),
    *(
        Hurts(PLAN, HALF, baseline=rival, by=0.05, comparisons=DECLARED, carries=words)
        for rival in (EARLY, LOW_RATE, DECAY)
        for words in (CHEAPER, FIRST)
    ),
    *(
        Hurts(AGAIN, HALF, baseline=rival, by=0.05, comparisons=DECLARED, carries=CHEAPER)
        for rival in (EARLY, LOW_RATE, DECAY)
    ),
    Hurts(PLAN, BEST_RATE, baseline=EARLY, by=0.01, comparisons=DECLARED, carries=CHEAPER),
    Hurts(AGAIN, BEST_RATE, baseline=EARLY, by=0.01, comparisons=DECLARED, carries=CHEAPER),
    Helps(PLAN, HALF, baseline=SMALL, by=0.05, comparisons=DECLARED, carries=FEWER),
    Within(
        "test accuracy of 128 units and of 512",
        PLAN,
        lambda result: result.mean(SMALL) - result.mean(NONE),
        high=0.0,
        carries=FEWER,
    ),
    Says(
        "Dropout 0.5 gains {:.1f} points: after 60 epochs {:.0f} % of the wrong labels are learnt",
        lambda: [gain(HALF), percent(HALF, "wrong_learnt")],
    ),
    Says(
        "With 0.7, the best of five (0.9 diverged), it is {:.0f} %, and the gain {:.1f} points.",
        lambda: [percent(BEST_RATE, "wrong_learnt"), gain(BEST_RATE)],
    ),
    Holds("dropout 0.9 in the search", nine_tenths_diverged, carries="(0.9 diverged)"),
    Says(
        "Training for 8 epochs gains {:.1f}, a learning rate of 0.005 gains {:.1f}, and weight "
        "decay of 0.05 gains {:.1f}.",
        lambda: [gain(EARLY), gain(LOW_RATE), gain(DECAY)],
    ),
    Says(
        "With 40 % wrong labels it gained {:.1f} points after 60 epochs; 8 epochs without it "
        "gained {:.1f}.",
        lambda: [gain(HALF), gain(EARLY)],
    ),
    Says(
        "With dropout 0.5 the best length of five was {} epochs.",
        lambda: str(CHOSEN["epochs with dropout 0.5"]),
    ),
    Holds(
        "both together, first seeds",
        first_seeds_leave_zero_out_by_little,
        carries="the interval of the first ten seeds left zero out by less than 0.1 points",
    ),
    NoneSeen(AGAIN, BOTH, baseline=EARLY, carries="ten further ones do not show it again."),
    Within(
        "the best length with dropout and without",
        SEARCH,
        lambda result: (
            max(
                TRIES["epochs with dropout 0.5"],
                key=lambda epochs: result.mean(tried("epochs with dropout 0.5", epochs)),
            )
            - max(TRIES["epochs"], key=lambda epochs: result.mean(tried("epochs", epochs)))
        ),
        low=1,
        carries="the best length is longer with dropout.",
    ),
    # The standing settings.
    *(
        Holds("dropout in the standing settings", standing_settings_see_nothing, carries=words)
        for words in (
            "For accuracy, train longer first.",
            "In *garments* and *colour* no difference in accuracy is seen.",
        )
    ),
    Helps(
        plan("colour"),
        "dropout",
        "ece",
        baseline="baseline",
        comparisons=4,
        by=0.04,
        carries="In *colour* the calibration error falls",
    ),
    Says(
        "In *colour* the calibration error falls by {:.1f} points with dropout.",
        lambda: -100 * plan("colour").recorded().difference("dropout", "ece", "baseline").mean,
    ),
    # Means, and dropout left on.
    Hurts(PLAN, FORGOTTEN, baseline=HALF, by=0.05, comparisons=3, carries="dropout loses"),
    Says(
        "Left on in a test, dropout loses {:.1f} points: as many as it had gained.",
        lambda: gain(HALF, FORGOTTEN),
    ),
    Says("Left on in a test, it lost {:.1f} points again.", lambda: gain(HALF, FORGOTTEN)),
    Within(
        "gain and loss",
        PLAN,
        lambda result: 100 * (result.mean(FORGOTTEN) - result.mean(NONE)),
        low=-0.25,
        high=0.25,
        carries="as many as it had gained",
    ),
    Helps(
        PLAN,
        NETWORKS,
        "nll",
        HALF,
        comparisons=3,
        carries="the mean of many answers, as in Figure 5, had the better NLL",
    ),
    # Right labels.
    Hurts(
        CLEAN,
        HALF,
        "nll",
        TEMPERATURE,
        comparisons=2,
        carries="For the NLL a temperature (chapter 05) does more",
    ),
    Within(
        "NLL of dropout 0.5 with a temperature, below all others of the table",
        CLEAN,
        lambda result: (
            min(result.mean(name, "nll") for name in (*CLEAN.recipes, TEMPERATURE))
            - result.mean(f"{HALF}, a temperature", "nll")
        ),
        low=0.005,
        carries="with right labels both together had the best NLL of the table",
    ),
    # The residual network.
    *(
        Hurts(
            of_resnet,
            length(0.5, LENGTHS[0]),
            baseline=length(0, LENGTHS[0]),
            by=0.005,
            comparisons=3,
            carries=words,
        )
        for of_resnet in (RESNET, RESNET_WRONG)
        for words in ("With 4 epochs dropout costs accuracy.", "**Not in short runs**")
    ),
    Helps(
        RESNET_WRONG,
        length(0.5, LENGTHS[1]),
        baseline=length(0, LENGTHS[1]),
        by=0.05,
        comparisons=3,
        carries="With wrong labels it gains",
    ),
    Says(
        "With wrong labels it gains {:.1f} points after 16 epochs, and reaches {:.1f} %; 4 epochs "
        "without it reach {:.1f} %.",
        lambda: [
            100 * (found.mean(length(0.5, 16)) - found.mean(length(0, 16)))
            if k == 0
            else 100 * found.mean(length(*((0.5, 16) if k == 1 else (0, 4))))
            for k, found in enumerate([RESNET_WRONG.recorded()] * 3)
        ],
    ),
    Within(
        "training labels learnt after 64 epochs with dropout",
        RESNET_WRONG,
        lambda result: result.mean(length(0.5, 64), "train_accuracy"),
        low=0.995,
        carries="After 64 epochs all training labels are learnt, with dropout too.",
    ),
    # Batch normalisation.
    Holds(
        "variance shift",
        variance_is_shifted_behind_dropout_alone,
        carries="behind dropout evaluation mode has about 0.7 of the variance that is remembered, "
        "in the controls 0.99 to 1.00.",
    ),
    Differs(SHIFT, INSIDE, "ratio_2", LAST, by=0.1, carries="The shift is there"),
    Helps(
        SHIFT,
        anew(INSIDE),
        baseline=INSIDE,
        comparisons=3,
        carries="here the accuracy rose",
    ),
    Says(
        "It costs {:.1f} points of accuracy",
        lambda: 100 * (SHIFT.recorded().mean(anew(INSIDE)) - SHIFT.recorded().mean(INSIDE)),
    ),
    *(
        Hurts(SHIFT, anew(INSIDE), "nll", baseline=INSIDE, comparisons=3, by=0.02, carries=words)
        for words in ("the new statistics make the NLL worse.", "and the NLL got worse.")
    ),
    MakesNoDifference(
        SHIFT,
        anew(LAST),
        baseline=LAST,
        comparisons=3,
        carries="and change nothing in the control.",
    ),
    Helps(
        SHIFT,
        INSIDE,
        baseline=LAST,
        comparisons=3,
        carries="dropout inside was ahead of dropout last in accuracy.",
    ),
    # The papers.
    Printed("14.51 % without, 10.41 % with dropout", "Lin et al. 2013, by notes that quote it"),
]

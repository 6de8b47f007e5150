"""What chapter 17 says of its records, and what the papers printed.

Chapter: notebooks/17_initialization.ipynb
"""

import math
from statistics import stdev

import torch.nn.functional as F

from tricks_lib.course.claims import Claim, Helps, Holds, Hurts, NoneSeen, Printed, Says, Within
from tricks_lib.course.standing import comparisons

from . import study as setting
from .figures import STARTS, accuracy_by_depth, batch, built, left_after, per_layer
from .study import AGAIN, PLAN, SEARCH

__all__ = ["CLAIMS"]

GUESSING = 0.12
"""Test accuracy that ten classes of equal frequency are not far from, if a network guesses."""

RIVALS = len(PLAN.rivals) + 1


def percent(name: str) -> float:
    """Return the recorded mean test accuracy of a way of training, in percent."""
    return 100 * PLAN.recorded().mean(name)


def at_depth(name: str, depth: int) -> float:
    """Return the recorded test accuracy of a start at a depth, in percent."""
    found = accuracy_by_depth(setting.BY_DEPTH.recorded(), PLAN.recorded(), name)
    return 100 * found[depth]


def guesses(name: str) -> Claim:
    """Claim that the runs of a way of training guess, on average."""
    return Within(
        f"test accuracy of {name}",
        PLAN,
        lambda result: result.mean(name),
        high=GUESSING,
        carries="and so it does with a warmup, or with three times the epochs.",
    )


def the_default_guesses_at_every_rate() -> None:
    """Look at the search, with and without a warmup, and three times the epochs."""
    search = SEARCH.recorded()
    for name in (setting.DEFAULT, setting.WARM, setting.LONG):
        for lr in setting.rates(name):
            found = search.mean(setting.tried(name, lr))
            assert found < setting.LEARNT, f"{name} has {found} at {lr}"


def shortcuts_diverge_with_hes_start() -> None:
    """Look at the search from a learning rate of 0.01 on."""
    search = SEARCH.recorded()
    for lr in setting.rates(setting.HE_SHORTCUTS):
        if lr >= 0.01:
            assert not search.values(setting.tried(setting.HE_SHORTCUTS, lr)), f"not at {lr}"


def it_is_the_scale() -> None:
    """Compare each control with the start whose variance it has."""
    found = {name: percent(name) for name in (setting.DEFAULT_UP, setting.HE_DOWN)}
    assert found[setting.DEFAULT_UP] > 0.9 * percent(setting.HE), found
    assert found[setting.HE_DOWN] < 100 * GUESSING, found


def guess_from_a_depth_on() -> None:
    """Look where the default and Xavier's start no longer learn."""
    for name, depth in ((setting.DEFAULT, 10), (setting.XAVIER, 30)):
        assert at_depth(name, depth) < 100 * GUESSING, f"{name}: {at_depth(name, depth)}"


def none_is_seen_in_the_standing_settings() -> None:
    """Look at He's, Xavier's and zero gamma's verdicts in both."""
    for name in ("garments", "colour"):
        found = comparisons.result(name)
        assert found is not None
        for arm in ("He", "Xavier", "zero gamma"):
            gap = found.difference(arm, comparisons=len(comparisons.comparisons()))
            assert gap.verdict == "no difference seen", f"{name}, {arm}: {gap}"


def zero_gamma_is_not_seen_to_differ() -> None:
    """Look at the residual network of 20 layers too."""
    from .figures import zero_gamma

    none_is_seen_in_the_standing_settings()
    gap = zero_gamma(setting.WITH_BLOCKS.recorded())
    assert gap.verdict == "no difference seen", str(gap)


def a_faded_signal_begins_at_the_loss_of_guessing() -> None:
    """Look at the loss of the first batch with PyTorch's start, and with He's times 2."""
    images, labels = batch()
    for name, low, high in ((setting.DEFAULT, 2.25, 2.35), (setting.DOUBLE, 100, math.inf)):
        loss = F.cross_entropy(built(init=STARTS[name])(images), labels).item()
        assert low < loss < high, f"{name}: {loss}"


CLAIMS: list[Claim] = [
    # The derivation.
    Says(
        "with PyTorch's own default, a layer passes on {:.2f} of the signal.",
        lambda: math.sqrt(per_layer(1 / 300, 100)),
    ),
    Says("twenty times: {:.8f}.", lambda: left_after(20, per_layer(1 / 300, 100))),
    Says(r"its deviation is $\sqrt{{1/6}}={:.2f}$", lambda: math.sqrt(per_layer(1 / 300, 100))),
    Says("in each of eight layers: $3^8={}$", lambda: 3**8),
    Holds(
        "a signal that fades begins at the loss of guessing",
        a_faded_signal_begins_at_the_loss_of_guessing,
        carries="the default network of [The problem](#the-problem) begins at 2.3 as well.",
    ),
    # Twenty layers.
    Helps(PLAN, setting.HE, by=0.5, comparisons=RIVALS),
    Holds(
        "the default guesses at every learning rate",
        the_default_guesses_at_every_rate,
        carries="It guesses at each of the seven learning rates (Figure 5)",
    ),
    guesses(setting.DEFAULT),
    guesses(setting.WARM),
    guesses(setting.LONG),
    Says("With Adam it has {:.0f} % on average", lambda: percent(setting.ADAM)),
    Within(
        "deviation of the accuracy with Adam over the seeds",
        PLAN,
        lambda result: stdev(result.values(setting.ADAM).values()),
        low=0.1,
        carries="and the seeds differ widely.",
    ),
    Says(
        "The default with *shortcuts* has {:.0f} %, He's start {:.0f} %, and the default with "
        "batch normalisation {:.0f} %.",
        lambda: [percent(name) for name in (setting.SHORTCUTS, setting.HE, setting.NORM)],
    ),
    Hurts(PLAN, setting.HE, baseline=setting.SHORTCUTS, by=0.02, comparisons=RIVALS),
    Helps(
        PLAN,
        setting.SHORTCUTS,
        baseline=setting.HE,
        by=0.02,
        comparisons=RIVALS,
        carries="Shortcuts with the default did better still",
    ),
    Says(
        "With shortcuts and without normalisation He's start is a bad one: {:.0f} %",
        lambda: percent(setting.HE_SHORTCUTS),
    ),
    Hurts(
        PLAN,
        setting.HE_SHORTCUTS,
        baseline=setting.SHORTCUTS,
        by=0.1,
        comparisons=RIVALS,
        carries="He's start is a bad one",
    ),
    Holds(
        "He's start diverges with shortcuts",
        shortcuts_diverge_with_hes_start,
        carries="from 0.01 on all diverged.",
    ),
    NoneSeen(
        AGAIN,
        setting.HE,
        baseline=setting.NORM,
        comparisons=2,
        carries="Both train; ten further seeds leave the lead open.",
    ),
    # Why.
    Says(
        "PyTorch's weights times √6 have He's variance, and keep all else: {:.0f} %.",
        lambda: percent(setting.DEFAULT_UP),
    ),
    Says(
        "He's weights divided by √6 have PyTorch's variance, and keep all else: {:.0f} %, which "
        "is guessing.",
        lambda: percent(setting.HE_DOWN),
    ),
    Holds(
        "the scale decides",
        it_is_the_scale,
        carries="So it is the scale that decides whether this network learns.",
    ),
    Helps(
        AGAIN,
        setting.DEFAULT_UP,
        by=0.5,
        comparisons=3,
        carries="It is the scale: the default times √6 learns",
    ),
    # Depth.
    Says(
        "With 5 layers the default has {:.0f} %, and with 10 it guesses; Xavier guesses with 30, "
        "where He has {:.0f} %.",
        lambda: [at_depth(setting.DEFAULT, 5), at_depth(setting.HE, 30)],
    ),
    Holds(
        "the default guesses with 10 layers, and Xavier with 30",
        guess_from_a_depth_on,
        carries="and with 10 it guesses; Xavier guesses with 30",
    ),
    # Where there is normalisation, and there are shortcuts.
    Holds(
        "the standing settings",
        none_is_seen_in_the_standing_settings,
        carries="in both standing settings no difference was seen.",
    ),
    Holds(
        "the standing settings, in the summary",
        none_is_seen_in_the_standing_settings,
        carries="in the standing settings, with normalisation and shortcuts, no difference was "
        "seen.",
    ),
    Holds(
        "zero gamma",
        zero_gamma_is_not_seen_to_differ,
        carries="**Zero gamma:** here no difference was seen, and the paper's gains are small.",
    ),
    # The papers.
    Printed(
        '"enables us to train extremely deep rectified models directly from scratch"',
        "He et al. 2015, abstract",
    ),
    Printed(
        "23.84 ± 0.18 % to 23.60 ± 0.12 % with batches of 256 images", "Goyal et al. 2017, table 2b"
    ),
    Printed("24.11 ± 0.07 % to 23.74 ± 0.09 % with 8,192", "Goyal et al. 2017, table 2b"),
]

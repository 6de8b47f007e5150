"""What chapter 00 says in numbers, each worked out from the records.

Chapter: notebooks/00_baseline.ipynb
"""

import numpy as np
from IPython.display import Markdown
from scipy import stats

from tricks_lib.course.evidence import answers
from tricks_lib.course.standing.comparisons import (
    BASELINE,
    SETTINGS,
    comparisons,
    described,
    finding,
)
from tricks_lib.course.standing.comparisons import result as standing
from tricks_lib.lab.study import ACCURACY, Difference, StudyResult, paired_difference

from . import chance, figures
from .study import SHARED

__all__ = [
    "by_sample",
    "choosing",
    "elsewhere",
    "first_pairs",
    "found",
    "one_number",
    "pairing",
    "resampling",
    "several",
    "simpler_ways",
    "standing_settings",
    "tricks_and_rivals",
    "two_people",
    "which_interval",
]

ARM = "half the learning rate"


def half_width(spread: float, seeds: int) -> float:
    """Return half of a 95 % interval from the standard deviation of a single difference."""
    return float(stats.t.ppf(0.975, seeds - 1) * spread / seeds**0.5)


def in_points(result: StudyResult, arm: str) -> np.ndarray:
    """Return the accuracies of an arm in %, in the order of the shared seeds."""
    values = result.values(arm)
    return 100 * np.array([values[seed] for seed in result.seeds])


def percent(share: float) -> str:
    """Write a share for people, in whole per cent."""
    return f"{100 * share:.0f} %"


def correlation(result: StudyResult) -> float:
    """Return how far half the learning rate and the baseline move together over the seeds."""
    return float(np.corrcoef([in_points(result, arm) for arm in result.runs])[0, 1])


def one_number(result: StudyResult) -> Markdown:
    """Tell one pair of runs, the mean over all pairs, its interval, and the verdict."""
    gap = result.difference(ARM)
    base, trick = (in_points(result, arm)[0] for arm in (result.baseline, ARM))
    return Markdown(
        f"**One number.** With seed {result.seeds[0]} the baseline reaches {base:.2f} %, and half "
        f"the learning rate {trick:.2f} %: {trick - base:+.2f} points. (A *point* is one "
        f"hundredth, as from 88 % to 89 %.) The mean over all {len(gap.values)} seeds is "
        f"{100 * gap.mean:+.2f} points, and its interval goes from {100 * gap.low:+.2f} to "
        f"{100 * gap.high:+.2f}. The verdict on half the learning rate: **{gap.verdict}**."
    )


def two_people(result: StudyResult) -> Markdown:
    """Tell the largest gain and the largest loss of a single pair."""
    gaps = dict(zip(result.seeds, result.difference(ARM).values, strict=True))
    best, worst = max(gaps, key=gaps.__getitem__), min(gaps, key=gaps.__getitem__)
    return Markdown(
        f"- The first takes seed {best}, and **gains {100 * gaps[best]:.2f} points**.\n"
        f"- The second takes seed {worst}, and **loses {-100 * gaps[worst]:.2f} points**."
    )


def which_interval(result: StudyResult) -> Markdown:
    """Tell from how many pairs on each of the two intervals says what it says in the end."""
    trick, base = (in_points(result, arm) for arm in (ARM, result.baseline))

    def told(kind: str) -> str:
        seen = []
        for n in range(2, len(base) + 1):
            _, low, high = figures.interval(trick[:n], base[:n], kind == "paired")
            seen.append(low > 0 or high < 0)
        word = "a difference" if seen[-1] else "nothing"
        return f"the {kind} interval sees {word} from {chance.settled(seen)} seeds on"

    rho = np.corrcoef(trick, base)[0, 1]
    why = "pairs can change little" if rho < 0.3 else "pairs narrow the interval"
    return Markdown(
        f"In this study {told('paired')}, and {told('unpaired')}. The two arms have a correlation "
        f"of {rho:+.2f} over the seeds: {why}."
    )


def found(result: StudyResult) -> Markdown:
    """Lay out the five answers of the chapter."""
    gap, base = result.difference(ARM), in_points(result, result.baseline)
    spread = 100 * float(np.std(gap.values, ddof=1))
    half, tenth = (
        next(n for n in range(2, 5000) if half_width(spread, n) < effect) for effect in (0.5, 0.1)
    )
    of_seeds, of_images = chance.error_of_the_test_images(result, ARM)
    alone, corrected = (
        chance.several_tricks([0] * 20)[way]["a false verdict"]
        for way in ("each alone", "Bonferroni")
    )
    return answers(
        (
            "How far does a seed move the accuracy?",
            f"standard deviation {base.std(ddof=1):.2f} points; best and worst of {len(base)} are "
            f"{np.ptp(base):.2f} apart",
            "Never compare two single runs.",
        ),
        ("Does half the learning rate help?", gap, "Measure even what seems harmless."),
        (
            "How many seeds does it take?",
            f"{half} pairs to see half a point, {tenth} to see a tenth",
            "Say first which effect would matter to you.",
        ),
        (
            "Would other test images change it?",
            f"by {of_images:.2f} points (standard error); other seeds by {of_seeds:.2f}",
            "Read a verdict as one about these test images.",
        ),
        (
            "What do twenty useless tricks do?",
            f"in {percent(alone)} of simulated studies an interval leaves zero out; with "
            f"Bonferroni's intervals in {percent(corrected)}",
            "Widen intervals that are read together.",
        ),
    )


def several() -> Markdown:
    """Lay out what three ways of judging make of twenty simulated tricks."""
    idle = chance.several_tricks([0] * 20)
    some = chance.several_tricks([0] * 15 + [0.5] * 5)
    lines = [
        f"| {way} | {percent(judged[chance.HELPS])} | {percent(some[way]['a false verdict'])} | "
        f"{percent(some[way]['found'])} |"
        for way, judged in idle.items()
    ]
    return Markdown(
        '| Judged by | none of 20 works: a false "helps" | 5 of 20 work: a false verdict | of '
        "these 5, found |\n|---|---|---|---|\n" + "\n".join(lines)
    )


def first_pairs(result: StudyResult, count: int) -> Difference:
    """Return the difference over the first pairs of a study alone."""
    return _of_seeds(result, result.seeds[:count])


def by_sample(result: StudyResult) -> dict[str, Difference]:
    """Return a difference for each sample of training images that some seeds share."""
    starts = range(0, len(result.seeds), SHARED)
    return {
        f"sample {number}": _of_seeds(result, result.seeds[start : start + SHARED])
        for number, start in enumerate(starts, start=1)
    }


def _of_seeds(result: StudyResult, seeds: list[int]) -> Difference:
    trick, base = (
        {seed: result.values(arm)[seed] for seed in seeds} for arm in (ARM, result.baseline)
    )
    return paired_difference(ACCURACY, trick, base)


def resampling(
    samples: StudyResult, own: StudyResult, same: StudyResult, drawn: StudyResult
) -> Markdown:
    """Tell how much the means of samples differ, and what own images do to the spread.

    Args:
        samples: few images, shared by some seeds.
        own: few images, own ones for each seed.
        same: many images, the same for all seeds.
        drawn: many images, own ones for each seed.
    """
    gaps = by_sample(samples)
    words = [gap.verdict for gap in gaps.values()]
    counts = ", ".join(f"{words.count(word)} × *{word}*" for word in dict.fromkeys(words))
    means = 100 * np.array([gap.mean for gap in gaps.values()])
    seeds = 100 * float(np.mean([np.std(gap.values, ddof=1) for gap in gaps.values()]))
    spreads = [in_points(one, one.baseline).std(ddof=1) for one in (same, drawn)]
    return Markdown(
        f"The verdicts of the six samples are {counts}. Their means have a standard deviation of "
        f"{means.std(ddof=1):.2f} points; by the seeds alone it would be about "
        f"{seeds / SHARED**0.5:.2f}. With images of its own for each of {len(own.seeds)} seeds, "
        f"the interval speaks of the method: {own.difference(ARM)}. (An illustration, and no "
        "measure of how often samples disagree: the learning rate was chosen in a first look at "
        "some of these samples, so that they would.)\n\n"
        "Large samples differ less, and draws of 8,000 from 10,000 images overlap: there the "
        f"baseline's accuracy has a standard deviation of {spreads[0]:.2f} points over the seeds "
        f"with the same images, and of {spreads[1]:.2f} with own ones."
    )


def pairing(same: StudyResult, drawn: StudyResult, few: StudyResult) -> Markdown:
    """Tell what pairs are worth in all records, in this study, and within one run.

    Args:
        same: a study in which all seeds have the same images.
        drawn: the same study with images of its own for each seed.
        few: few images, own ones for each seed.
    """
    shared = chance.together()
    narrower = sum(one.width < 0.8 for one in shared)
    rho = [correlation(one) for one in (same, drawn, few)]
    curves = np.array(list(drawn.values(drawn.baseline, "accuracy_by_epoch").values()))
    neighbours = np.corrcoef(curves[:, -1], curves[:, -2])[0, 1]
    spreads = [in_points(drawn, arm).std(ddof=1) for arm in drawn.runs]
    single = 100 * np.std(drawn.difference(ARM).values, ddof=1)
    median = np.median([one.correlation for one in shared])
    return Markdown(
        f"The course's records hold {len(shared)} comparisons with ten seeds or more. Half of "
        f"them have a correlation below {median:.2f}, and in {narrower} pairs make the interval "
        "narrower by a fifth or more. Once a trick changes the batches, the loss or the images, "
        "two runs of one seed soon go their own ways; what they still share is the images of the "
        "seed.\n\n"
        f"Half the learning rate has a correlation of {rho[1]:.2f} with the baseline "
        f"({rho[0]:.2f} when all seeds have the same images). A single difference has a standard "
        f"deviation of {single:.2f} points, where independent runs would have "
        f"{np.hypot(*spreads):.2f}. Two networks of one run, after epochs {len(curves[0]) - 1} "
        f"and {len(curves[0])}, have {neighbours:.2f}. Pairs are worth most where the images "
        f"decide: with 200 of its own for each seed, half the learning rate has {rho[2]:.2f}."
    )


def choosing(result: StudyResult) -> Markdown:
    """Tell what it adds to choose a network, or an epoch, by its test accuracy."""
    test = result.values(result.baseline)
    validation = result.values(result.baseline, "validation_accuracy")
    by_test, by_validation = (max(by, key=by.__getitem__) for by in (test, validation))
    mean, mean_validation = (100 * np.mean(list(by.values())) for by in (test, validation))
    curves = result.values(result.baseline, "accuracy_by_epoch").values()
    peaks = [100 * (max(curve) - curve[-1]) for curve in curves]
    return Markdown(
        f"- The best of {len(test)} networks by test accuracy lies "
        f"{100 * test[by_test] - mean:+.2f} points from the mean of all.\n"
        f"- The best by validation accuracy had been "
        f"{100 * validation[by_validation] - mean_validation:+.2f} points from the mean there; on "
        f"the test images it is {100 * test[by_validation] - mean:+.2f} points from it.\n"
        f"- To report the best *epoch* by test accuracy instead of the last adds "
        f"{np.mean(peaks):.2f} points to every run, for nothing."
    )


def simpler_ways(result: StudyResult) -> Markdown:
    """Tell how often simpler ways of judging report a difference between runs of one recipe."""
    accuracies, draws = in_points(result, result.baseline), np.random.default_rng(0)
    reports = dict.fromkeys(("one run each", "five runs each", "an interval"), 0)
    for _ in range(2000):
        left, right = np.split(draws.permutation(accuracies), 2)
        reports["one run each"] += abs(left[0] - right[0]) > 0.2
        reports["five runs each"] += abs(left[:5].mean() - right[:5].mean()) > 0.2
        reports["an interval"] += stats.ttest_ind(left, right).pvalue < 0.05
    one, five, interval = (count / 2000 for count in reports.values())
    return Markdown(
        f"Split the {len(accuracies)} runs of the *baseline* at random into two halves, 2,000 "
        "times: the true difference is zero. Two single runs are more than 0.2 points apart in "
        f"{percent(one)} of the splits, and two means of five runs in {percent(five)}; the 95 % "
        f"interval of the two halves reports a difference in {percent(interval)}."
    )


def elsewhere(result: StudyResult) -> Markdown:
    """Tell what the same comparison gives on a GPU, and in the setting *colour*.

    Args:
        result: the study of the chapter, with at least the seeds of the standing setting.
    """
    ours, theirs = result, standing("garments")
    colour = standing("colour")
    assert theirs is not None and colour is not None
    again, half = (one.difference(ARM, baseline=BASELINE) for one in (theirs, colour))
    shared = first_pairs(ours, len(again.values))
    machines = [in_points(one, BASELINE)[: len(again.values)] for one in (ours, theirs)]
    return Markdown(
        f"**The same seeds on another machine.** The first {len(again.values)} of our seeds give "
        f"{shared} on our CPU. With the same recipes and the same images they give {again} on a "
        f"GPU: **{again.verdict}**. For one seed, the two baselines are up to "
        f"{np.abs(np.subtract(*machines)).max():.1f} points apart. On small photographs in colour, "
        f"half the learning rate gives {half} over {len(half.values)} seeds: **{half.verdict}**."
    )


def standing_settings() -> Markdown:
    """Tell what the two standing settings are, and how wide their intervals are."""
    lines = [
        f"- *{name}*: {described(name)}. Half an interval is typically {typical_reach(name):.1f} "
        "points."
        for name in SETTINGS
    ]
    return Markdown("\n".join(lines))


def typical_reach(setting: str) -> float:
    """Return the middle of half the intervals of all tricks in a standing setting, in points."""
    found = (finding(slug, setting) for slug in comparisons())
    gaps = [one.difference for one in found if one]
    return 100 * float(np.median([(gap.high - gap.low) / 2 for gap in gaps]))


def tricks_and_rivals() -> Markdown:
    """Lay out what the standing settings compare."""
    lines = [
        f"| {one.named or one.arm} | {one.against} | {one.rival or '—'} |"
        for one in comparisons().values()
    ]
    return Markdown(
        f"The {len(lines)} tricks in the standing settings:\n\n"
        "| trick | compared with | rival |\n|---|---|---|\n" + "\n".join(lines)
    )

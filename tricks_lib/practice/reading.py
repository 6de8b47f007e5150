"""What a study on images of your own says, and what to do now.

Numbers first, as data; the sentences are made from them. A network that has not learnt gets no
verdict: then no row has a word.

Chapter: notebooks/20_own_images.ipynb
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy import stats

from ..lab.data import Data
from ..lab.study import ACCURACY, ECE, NLL, Difference, Metric, StudyResult, Table, Word
from ..lab.study import paired_difference as paired
from ..lab.study.finding import mean_and_spread
from .enough import (
    MOST_SEEDS,
    added_margin,
    binomial_margin,
    detectable,
    images_needed,
    more_seeds,
    paired_margin,
    target,
)
from .learnt import Learnt, figures_of, has_learnt
from .measure import VALIDATION_ACCURACY, unpack
from .names import OFF

__all__ = [
    "LEGEND",
    "MEANINGS",
    "Action",
    "ClassRow",
    "Confused",
    "Reading",
    "Row",
    "Settle",
    "Spread",
    "read",
    "show",
    "show_difference",
]

Action = Literal["keep", "look closer", "more seeds", "more test images", "leave", "choose freely"]
"""What to do with an arm now, the most pressing first."""

LEGEND: Mapping[str, str] = {
    "accuracy": "share of the test images that are answered rightly; higher is better.",
    "NLL": "negative log-likelihood: how surprised the network is by the right answers. 0 is "
    "best, lower is better. It matters if you use the probabilities and not only the answer: one "
    "wrong answer given with certainty costs more than many unsure ones.",
    "ECE": "expected calibration error: the gap, on average, between how sure the network is "
    'and how often it is right. 0 is best, lower is better. It matters if "90 % '
    'sure" is to mean nine right answers of ten: where unsure images go to a person, or costs are '
    "weighed.",
}
"""The columns of the table in plain words."""

MEANINGS: Mapping[Word, str] = {
    "helps": "the whole interval lies above zero, or fewer runs diverged.",
    "hurts": "the whole interval lies below zero, or more runs diverged.",
    "makes no difference": "the whole interval lies inside ± the smallest difference that matters.",
    "no difference seen": "zero lies inside the interval: it does not say that there is none.",
    "depends": "fewer runs diverged, but those that finished are worse.",
    "differs": "the interval leaves zero out, and nobody said which way is better.",
}
"""What each verdict says of an accuracy."""

MOST_PAIRS = 8
"""Pairs of classes that are told: the most confused ones."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation of `count` runs; NaN where there are too few."""

    mean: float
    sd: float
    count: int


@dataclass(frozen=True)
class Settle:
    """What would decide about an arm whose interval is still too wide.

    Args:
        half: what half of the interval must be at most, as a share.
        seeds: how many seeds more make it so in four of five cases; None if more than 100.
        minutes: how long they take, for the arm and the baseline; None if nobody knows.
        images: how many test images in all make their own sampling error so small.
    """

    half: float
    seeds: int | None
    minutes: float | None
    images: int


@dataclass(frozen=True)
class Row:
    """What is said of one arm.

    Args:
        arm: its name.
        strength: what it does, and how strongly; "" where nobody said.
        runs: runs of the arm.
        diverged: those of them that gave no finite number.
        accuracy: of the test images, a share.
        nll: negative log-likelihood of the test images, in nats.
        ece: calibration error, a share.
        validation: validation accuracy; None where there is no such split.
        difference: in test accuracy from the baseline, paired by seeds; its interval holds together
            with those of all other rows. None for the baseline, and where there are too few pairs.
        nll_difference: likewise of the NLL.
        ece_difference: likewise of the calibration error.
        word: the verdict; None for the baseline, and of a network that has not learnt.
        image_margin: by how much the difference may change with other test images of the kind: half
            of the interval, for all arms at once.
        added_margin: what of it is left where there are many seeds.
        both_margin: half of the interval for other seeds and other test images.
        paired_images: whether that is from the answers to each image; otherwise it is a bound.
        only_arm: images that only the arm answers rightly, mean over seeds; None if not known.
        only_baseline: images that only the baseline answers rightly, likewise.
        detectable: smallest true difference that so many seeds see in four of five studies.
        settle: what would decide, where the interval does not.
        action: what to do now; None for the baseline, and of a network that has not learnt.
        sentence: the same in words.
    """

    arm: str
    strength: str
    runs: int
    diverged: int
    accuracy: Spread
    nll: Spread
    ece: Spread
    validation: Spread | None = None
    difference: Difference | None = None
    nll_difference: Difference | None = None
    ece_difference: Difference | None = None
    word: Word | None = None
    image_margin: float | None = None
    added_margin: float | None = None
    both_margin: float | None = None
    paired_images: bool = False
    only_arm: float | None = None
    only_baseline: float | None = None
    detectable: float | None = None
    settle: Settle | None = None
    action: Action | None = None
    sentence: str = ""


@dataclass(frozen=True)
class ClassRow:
    """How well one class is recognised.

    Args:
        number: of the class, its label.
        name: of the class.
        images: of it in the test split.
        baseline: recall, the share of them that the baseline answers rightly: mean over its runs,
            and the 95 % interval of that mean.
        best: the same for the best arm; None where there is none.
        difference: best arm minus baseline; the intervals of all classes hold at once.
    """

    number: int
    name: str
    images: int
    baseline: tuple[float, float, float]
    best: tuple[float, float, float] | None = None
    difference: Difference | None = None


@dataclass(frozen=True)
class Confused:
    """Two classes that are taken for one another.

    Args:
        arm: whose answers these are.
        true: name of the class of the images.
        taken_for: what they were taken for.
        count: such answers, over all seeds.
        share: of the images of the class, mean over the runs, with its 95 % interval.
    """

    arm: str
    true: str
    taken_for: str
    count: int
    share: tuple[float, float, float]


@dataclass(frozen=True)
class Reading:
    """What a study says. It prints itself; everything it says is here as data too.

    Args:
        name: of the data.
        learnt: whether the baseline learnt. If not, no row has a word.
        baseline: name of the arm that the others are compared with.
        rows: the table, the baseline first.
        seeds: that every arm was run with.
        smallest: smallest difference in accuracy that matters, a share.
        comparisons: how many differences are read together.
        detectable: smallest true difference that the study sees four times of five, for the spread
            of all arms; None where nothing is compared.
        image_margin: the largest sampling error of the test images among the rows.
        images: test images.
        best: the arm with the best validation accuracy, which may be the baseline; None where there
            is no validation split, or the baseline has not learnt.
        classes: the table by class.
        confused: the most confused pairs of classes, of the baseline and of the best arm.
        minutes_per_run: how long one run takes; None if nobody knows.
    """

    name: str
    learnt: Learnt
    baseline: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    smallest: float
    comparisons: int
    detectable: float | None
    image_margin: float | None
    images: int
    best: str | None
    classes: tuple[ClassRow, ...]
    confused: tuple[Confused, ...]
    minutes_per_run: float | None = None

    @property
    def advised(self) -> tuple[Row, ...]:
        """The rows with something to do, those that ask for it most first."""
        rows = [row for row in self.rows if row.action is not None]
        return tuple(sorted(rows, key=lambda row: get_args(Action).index(row.action)))

    @property
    def todo(self) -> tuple[str, ...]:
        """What to do now, a sentence each: for the baseline, then for each arm."""
        return (*self.learnt.advice, *(f"{row.arm}: {row.sentence}" for row in self.advised))

    @property
    def interval(self) -> str:
        """What stands in the brackets after a difference."""
        return _interval(self.comparisons)

    @property
    def together(self) -> str:
        """How many comparisons there are, and what that does to the intervals."""
        if self.comparisons < 2:
            return "One comparison: its interval holds with 95 % confidence."
        return (
            f"{self.comparisons} comparisons are read together, and the more there are, the "
            "likelier one stands out by chance. So each interval is wider: all of them hold at "
            "once with 95 % confidence (Bonferroni)."
        )

    @property
    def power(self) -> str:
        """What the study could see, before anybody believes that there is nothing."""
        if self.detectable is None or self.image_margin is None:
            return ""
        return (
            f"With {_many(len(self.seeds), 'seed')} that scatter as these do, a true difference of "
            f"{_points(self.detectable)} is seen in four of five studies; a smaller one is easily "
            f"missed. The choice of the {self.images:,} test images leaves up to "
            f"± {_points(self.image_margin)} open: a verdict speaks "
            "of these images, and of others of the kind only if the difference is larger than the "
            "± of both together, which stands with the arm."
        )

    @property
    def chosen(self) -> str:
        """Which arm is the best one, and how it was chosen."""
        if not self.learnt.yes:
            return ""
        if self.best is None:
            return (
                "There are no validation images, so no arm is called the best: test images that "
                "choose an arm flatter it."
            )
        row = next(row for row in self.rows if row.arm == self.best)
        assert row.validation is not None  # it was chosen by that
        return (
            f"By the validation images the best arm is {self.best} "
            f"({VALIDATION_ACCURACY.show(row.validation.mean)} of them). The test images had no "
            "part in the choice."
        )

    def table(self) -> Table:
        """Lay out the arms; without differences and verdicts if the baseline has not learnt."""
        header = ["arm", "runs", "accuracy ± sd"]
        if self.learnt.yes:
            header += [f"difference [{self.interval}]", "verdict"]
        header += ["NLL", "ECE", "strength"]
        rows = []
        for row in self.rows:
            runs = str(row.runs) + (f" ({row.diverged} diverged)" if row.diverged else "")
            cells = [row.arm, runs, show(ACCURACY, row.accuracy)]
            if self.learnt.yes:
                cells += [show_difference(row.difference), row.word or ""]
            rows.append([*cells, show(NLL, row.nll), show(ECE, row.ece), row.strength])
        return Table(header, rows)

    def class_table(self) -> Table:
        """Lay out the recall of each class, with 95 % intervals over the seeds."""
        header = ["class", "test images", f"recall, {self.baseline}"]
        others = self.best not in (None, self.baseline)
        if others:
            header += [f"recall, {self.best}", f"difference [{_interval(len(self.classes))}]"]
        rows = []
        for row in self.classes:
            cells = [row.name, str(row.images), show_interval(row.baseline)]
            if others:
                cells += [show_interval(row.best), show_difference(row.difference)]
            rows.append(cells)
        return Table(header, rows)

    def confused_table(self) -> Table:
        """Lay out the most confused pairs of classes."""
        header = ["arm", "images of", "taken for", "how many of them"]
        return Table(
            header, [[c.arm, c.true, c.taken_for, show_interval(c.share)] for c in self.confused]
        )

    def _parts(self) -> list[tuple[str, str | Table | Sequence[str]]]:
        """Return what there is to say, in order, each with its heading."""
        legend = [f"{name}: {text}" for name, text in LEGEND.items()]
        parts: list[tuple[str, str | Table | Sequence[str]]] = [
            ("Did it learn?", self._learnt_told()),
            ("What to do now", self.todo),
            ("The table", self.table()),
            ("", legend),
        ]
        if self.learnt.yes:
            words = {row.word for row in self.rows}
            parts.append(("", [f"{w}: {text}" for w, text in MEANINGS.items() if w in words]))
            parts.append(("How sure is that?", f"{self.together} {self.power}".strip()))
        if self.classes:
            parts.append(("By class", self.chosen))
            parts.append(("", self.class_table()))
        if self.confused:
            parts.append(("Most confused", self.confused_table()))
        return [(heading, part) for heading, part in parts if part]

    def _learnt_told(self) -> str:
        learnt = self.learnt
        return " ".join(part for part in (learnt.answer, learnt.compared, learnt.reason) if part)

    def __str__(self) -> str:
        """Return all of it for a terminal."""
        lines = []
        for heading, part in self._parts():
            text = part if isinstance(part, str | Table) else "\n".join(f"- {p}" for p in part)
            lines.append((f"{heading}\n" if heading else "") + str(text))
        return "\n\n".join(lines)

    def _repr_markdown_(self) -> str:
        lines = []
        for heading, part in self._parts():
            if isinstance(part, Table):
                text = _escaped(part)._repr_markdown_()
            elif isinstance(part, str):
                text = _escape(part)
            else:
                text = "\n".join(f"- {_escape(p)}" for p in part)
            lines.append((f"**{heading}**\n\n" if heading else "") + text)
        return "\n\n".join(lines)


def read(
    result: StudyResult,
    data: Data,
    *,
    smallest: float = 0.003,
    frozen: float | None = None,
    minutes_per_run: float | None = None,
    strengths: Mapping[str, str] | None = None,
) -> Reading:
    """Say what a study found, how sure that is, and what to do now.

    Args:
        result: the study, of runs that were measured by `with_details`; of others less is said.
        data: what it was made on.
        smallest: smallest difference in accuracy that matters to you, a share: 0.003 are 0.3
            points.
        frozen: test accuracy of a linear classifier on a frozen pretrained network, if known.
        minutes_per_run: how long a run takes; by default the mean of those that were made.
        strengths: what each arm does, and how strongly, by arm.

    Raises:
        ValueError: if `smallest` is not above 0 and below 1, or `frozen` is no share.
    """
    if not 0 < smallest < 1:
        raise ValueError(f"smallest must be a share above 0 and below 1, got {smallest!r}")
    if frozen is not None and not 0 <= frozen <= 1:
        raise ValueError(f"frozen must be an accuracy from 0 to 1, got {frozen!r}")
    result = replace(
        result, metrics={**result.metrics, "accuracy": replace(ACCURACY, smallest=smallest)}
    )
    baseline = result.baseline
    if minutes_per_run is None:
        minutes_per_run = _minutes_per_run(result)
    learnt = has_learnt(result, data, frozen)
    rows = [_row(result, arm, (strengths or {}).get(arm, "")) for arm in _ordered(result)]
    compared = [row.arm for row in rows if learnt.yes and _pairs(result, row.arm) > 1]
    rows = [
        _compared(row, result, len(data.test), len(compared), smallest, minutes_per_run)
        if row.arm in compared
        else _uncompared(row, baseline, learnt.yes)
        for row in rows
    ]
    best = _best(rows) if learnt.yes else None
    spreads = [
        mean_and_spread(row.difference.values)[1]
        for row in rows
        if row.difference is not None and len(row.difference.values) > 1
    ]
    margins = [row.image_margin for row in rows if row.image_margin is not None]
    typical = math.sqrt(sum(spread**2 for spread in spreads) / max(1, len(spreads)))
    count = max((_pairs(result, arm) for arm in compared), default=0)
    sees = detectable(typical, count, comparisons=len(compared)) if spreads else None
    confused = [*_confused(result, data, baseline)]
    if best not in (None, baseline):
        confused += _confused(result, data, best)
    return Reading(
        name=data.name,
        learnt=learnt,
        baseline=baseline,
        rows=tuple(rows),
        seeds=tuple(result.seeds),
        smallest=smallest,
        comparisons=len(compared),
        detectable=sees,
        image_margin=max(margins, default=None),
        images=len(data.test),
        best=best,
        classes=tuple(_by_class(result, data, best)),
        confused=tuple(confused),
        minutes_per_run=minutes_per_run,
    )


def _ordered(result: StudyResult) -> list[str]:
    return [result.baseline, *(arm for arm in result.runs if arm != result.baseline)]


def _pairs(result: StudyResult, arm: str) -> int:
    """Return how many seeds an arm and the baseline were both run with; the baseline has none."""
    if arm == result.baseline:
        return 0
    return len(result.runs[arm].keys() & result.runs[result.baseline].keys())


def _minutes_per_run(result: StudyResult) -> float | None:
    seconds, runs = result.provenance.get("seconds"), sum(map(len, result.runs.values()))
    return seconds / runs / 60 if seconds and runs else None


def _row(result: StudyResult, arm: str, strength: str) -> Row:
    """Return what is known of an arm alone."""

    def spread(metric: str) -> Spread:
        values = figures_of(result, arm, metric)
        return Spread(*mean_and_spread(values), len(values))

    accuracy, validation = spread("accuracy"), spread(VALIDATION_ACCURACY.name)
    runs = len(result.runs[arm])
    return Row(
        arm=arm,
        strength=strength,
        runs=runs,
        diverged=runs - accuracy.count,
        accuracy=accuracy,
        nll=spread("nll"),
        ece=spread("ece"),
        validation=validation if validation.count else None,
    )


def _uncompared(row: Row, baseline: str, learnt: bool) -> Row:
    """Say what is missing of an arm that cannot be compared."""
    if row.arm == baseline or not learnt:
        return row
    return replace(
        row,
        action="more seeds",
        sentence="No verdict yet: it takes two seeds that both it and the baseline were run with.",
    )


def _compared(
    row: Row,
    result: StudyResult,
    images: int,
    comparisons: int,
    smallest: float,
    minutes_per_run: float | None,
) -> Row:
    """Add the comparison with the baseline, and what to do now."""

    def difference(metric: str) -> Difference | None:
        if not figures_of(result, row.arm, metric) and metric != "accuracy":
            return None
        return result.difference(row.arm, metric, comparisons=comparisons)

    gap = result.difference(row.arm, "accuracy", comparisons=comparisons)
    row = replace(
        row,
        difference=gap,
        nll_difference=difference("nll"),
        ece_difference=difference("ece"),
        word=gap.verdict,
    )
    if len(gap.values) < 2:
        return _advised(row, images, smallest)
    margin, added, only = _image_margins(result, row, images, comparisons)
    spread = mean_and_spread(gap.values)[1]
    of_seeds = gap.high - gap.mean
    both = math.hypot(of_seeds, added)
    row = replace(
        row,
        image_margin=margin,
        added_margin=added,
        both_margin=both,
        paired_images=only is not None,
        only_arm=only and only[0],
        only_baseline=only and only[1],
        detectable=detectable(spread, len(gap.values), comparisons=comparisons),
    )
    if row.word == "no difference seen":
        half = target(gap.mean, smallest)
        seeds = more_seeds(gap.values, half, comparisons=comparisons)
        minutes = None
        if seeds is not None and minutes_per_run is not None:
            minutes = 2 * seeds * minutes_per_run
        settle = Settle(half, seeds, minutes, images_needed(images, added, half))
        row = replace(row, settle=settle)
    elif row.word in ("helps", "hurts") and of_seeds < abs(gap.mean) <= both:
        half = abs(gap.mean)
        needed = images_needed(images, added, half, of_seeds)
        row = replace(row, settle=Settle(half, 0, 0.0, needed))
    return _advised(row, images, smallest)


def _image_margins(
    result: StudyResult, row: Row, images: int, comparisons: int
) -> tuple[float, float, tuple[float, float] | None]:
    """Return the sampling error of the test images, what it adds to the interval of the seeds, and
    how many images only one of both answers.

    Without the answers to each image the errors are a bound, and there is no such number.
    """
    runs, others = result.runs[row.arm], result.runs[result.baseline]
    pairs = [(runs[seed] or {}, others[seed] or {}) for seed in sorted(runs.keys() & others.keys())]
    pairs = [(mine, its) for mine, its in pairs if "right" in mine and "right" in its]
    if not pairs:
        accuracies = row.accuracy.mean, result.mean(result.baseline)
        bound = binomial_margin(accuracies, images, comparisons=comparisons)
        return bound, bound, None
    mine, its = (
        np.stack([unpack(pair[side]["right"], images) for pair in pairs]) for side in (0, 1)
    )
    only = tuple(float(one.sum(axis=1).mean()) for one in (mine & ~its, its & ~mine))
    margin = paired_margin(mine.mean(axis=0), its.mean(axis=0), comparisons=comparisons)
    # One pair of networks does not tell what is theirs from what is the images'.
    added = margin if len(pairs) < 2 else added_margin(mine, its, comparisons=comparisons)
    return margin, added, (only[0], only[1])


def _advised(row: Row, images: int, smallest: float) -> Row:
    action, sentence = _todo(row, images, smallest)
    return replace(row, action=action, sentence=sentence)


@dataclass(frozen=True)
class _Words:
    """How an arm is spoken of: a trick is kept or left, and what the baseline has is kept or taken
    out."""

    use: str = "Keep it"
    leave: str = "Leave it"
    leave_out: str = "Leave it out"
    it_is: str = "it is"
    plainer: str = "it"

    @classmethod
    def of(cls, arm: str) -> "_Words":
        """Return the words for an arm by its name."""
        if not arm.startswith(OFF) or "+" in arm:
            return cls()
        trick = arm.removeprefix(OFF)
        keep = f"Keep {trick}"
        return cls(f"Take {trick} out", keep, keep, "without it, the network is", trick)


def _todo(row: Row, images: int, smallest: float) -> tuple[Action, str]:
    """Say what to do with an arm now."""
    gap, margin, settle, words = row.difference, row.added_margin, row.settle, _Words.of(row.arm)
    most = "" if row.paired_images else " at most"
    assert gap is not None  # only arms that were compared come here
    lost = f"{gap.diverged} of its runs diverged, of the baseline's {gap.diverged_baseline}"
    if gap.diverged > gap.diverged_baseline:
        return "leave", (
            f"{words.leave}, or try this arm with a smaller learning rate (--lr): {lost}."
        )
    if row.word == "depends":
        return "look closer", (
            f"Look closer: {lost}, but the runs that finish are worse. A smaller learning rate "
            "(--lr) may do as much for the baseline."
        )
    if gap.diverged < gap.diverged_baseline:
        return "keep", (
            f"{words.use}: {lost}. Try a smaller learning rate (--lr) too: it may do as much."
        )
    least = _points(smallest, ".4g")
    if row.word == "makes no difference":
        return "choose freely", (
            f"Choose freely: whatever it does lies within ± {least}. The simpler recipe is the one "
            f"without {words.plainer}."
        )
    size, way = abs(gap.mean), "better" if gap.mean > 0 else "worse"
    if row.word in ("helps", "hurts"):
        action: Action = "keep" if row.word == "helps" else "leave"
        told = words.use if row.word == "helps" else words.leave
        if settle is not None:
            return "more test images", (
                f"{told} for now, but your test set is too small to be sure: {words.it_is} {way} "
                f"by {_points(size)} on these {images:,} test images, and with other images and "
                f"seeds ± {_points(row.both_margin)}{most} are open. About "
                f"{_round(settle.images)} test images would tell."
            )
        if row.word == "helps" and size < smallest:
            told = f"{words.use} if it costs you nothing"
        short = f", less than the {least} that matter to you" if size < smallest else ""
        return action, (
            f"{told}: {words.it_is} {way} by {_points(size)}{short}. The seeds leave "
            f"± {_points(gap.high - gap.mean)} open, the choice of the test images "
            f"± {_points(row.image_margin)}, both together ± {_points(row.both_margin)}{most}."
        )
    assert settle is not None and margin is not None  # no difference was seen
    seeds = None if settle.seeds is None else _many(settle.seeds, "more seed")
    if margin > settle.half:
        return "more test images", (
            f"{words.leave_out} for now; your test set is too small to settle it: however many "
            f"seeds, the choice of its {images:,} images leaves ± {_points(margin)}{most} open, "
            f"and ± {_points(settle.half)} would decide. That takes about "
            f"{_round(settle.images)} test images"
            + (f" and {seeds}." if seeds else f" and more than {MOST_SEEDS} further seeds.")
        )
    if seeds is None:
        return "leave", (
            f"{words.leave_out}: more than {MOST_SEEDS} further seeds would be needed to tell it "
            "from nothing."
        )
    time = "" if settle.minutes is None else f" (about {_duration(settle.minutes)})"
    meanwhile = words.leave_out[0].lower() + words.leave_out[1:]
    return "more seeds", (
        f"Settle it with {seeds}{time}: in four of five cases, half of the interval is then "
        f"{_points(settle.half)} or less, which decides if the difference stays at "
        f"{_points(gap.mean, '+.2f')}. Until then {meanwhile}."
    )


def _best(rows: Sequence[Row]) -> str | None:
    """Return the arm with the best validation accuracy; of equals the baseline, then the first."""
    known = [row for row in rows if row.validation is not None]
    if not known or known[0] is not rows[0]:
        return None
    sound = [row for row in known if not row.diverged] or known
    return max(sound, key=lambda row: row.validation.mean if row.validation else -1.0).arm


def _confusions(result: StudyResult, arm: str) -> dict[int, np.ndarray]:
    """Return the confusion matrix of each run of an arm that has one, (K, K), by seed."""
    return {
        seed: np.asarray(run["confusion"])
        for seed, run in sorted(result.runs[arm].items())
        if run is not None and "confusion" in run
    }


def _by_class(result: StudyResult, data: Data, best: str | None) -> list[ClassRow]:
    """Return the recall of each class that has test images; none where no answers were kept."""
    images = data.test.labels.cpu().bincount(minlength=data.num_classes).tolist()
    there = [number for number in range(data.num_classes) if images[number]]

    def recalls(arm: str) -> dict[int, np.ndarray]:
        return {
            seed: confusion.diagonal() / np.maximum(images, 1)
            for seed, confusion in _confusions(result, arm).items()
        }

    mine, rivals = recalls(result.baseline), recalls(best) if best else {}
    if not mine:
        return []
    if best == result.baseline:
        rivals = {}
    recall = Metric("recall", "recall", "higher", "points")
    rows = []
    for number in there:
        before, after = (
            {seed: float(values[number]) for seed, values in found.items()}
            for found in (mine, rivals)
        )
        both = len(before.keys() & after.keys()) > 1
        rows.append(
            ClassRow(
                number=number,
                name=data.classes[number],
                images=images[number],
                baseline=_mean_interval(list(before.values())),
                best=_mean_interval(list(after.values())) if after else None,
                difference=paired(recall, after, before, comparisons=len(there)) if both else None,
            )
        )
    return rows


def _confused(result: StudyResult, data: Data, arm: str) -> list[Confused]:
    """Return the pairs of classes that an arm takes for one another most often."""
    found = list(_confusions(result, arm).values())
    if not found:
        return []
    images = data.test.labels.cpu().bincount(minlength=data.num_classes).numpy()
    wrong = np.sum(found, axis=0)
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(place), data.num_classes) for place in order]
    return [
        Confused(
            arm=arm,
            true=data.classes[true],
            taken_for=data.classes[other],
            count=int(wrong[true, other]),
            share=_mean_interval([run[true, other] / images[true] for run in found]),
        )
        for true, other in pairs
        if wrong[true, other]
    ]


def _mean_interval(shares: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of shares with its 95 % interval over seeds, NaN where one has no spread."""
    mean, spread = mean_and_spread([float(share) for share in shares])
    if len(shares) < 2:
        return mean, math.nan, math.nan
    reach = float(stats.t.ppf(0.975, len(shares) - 1)) * spread / math.sqrt(len(shares))
    return mean, max(0.0, mean - reach), min(1.0, mean + reach)


def show(metric: Metric, spread: Spread) -> str:
    """Write a mean ± standard deviation for people; "-" where no run finished."""
    return metric.show(spread.mean, spread.sd) if spread.count else "-"


def show_interval(share: tuple[float, float, float] | None) -> str:
    """Write a share with its interval, in per cent; alone where the interval says nothing."""
    if share is None:
        return "-"
    mean, low, high = (100 * value for value in share)
    says = not math.isnan(low) and (low > 0 or high < 100)
    return f"{mean:.1f} %" + (f" [{low:.1f}, {high:.1f}]" if says else "")


def show_difference(gap: Difference | None) -> str:
    """Write a difference of shares with its interval; alone where the interval says nothing.

    Two seeds and many comparisons make intervals that are hundreds of points wide, and no two
    shares differ by more than one hundred.
    """
    if gap is None or len(gap.values) < 2 or gap.high - gap.mean <= 1:
        return "" if gap is None else str(gap)
    return f"{_points(gap.mean, '+.2f')}, too few seeds for an interval"


def _interval(comparisons: int) -> str:
    if comparisons < 2:
        return "95 % interval"
    return f"95 % intervals, simultaneous over {comparisons}"


def _points(share: float | None, form: str = ".2f") -> str:
    return f"{100 * (share or 0.0):{form}} points"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _round(count: int) -> str:
    """Write a count with two digits that say something."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{math.ceil(count / step) * step:,}"


def _duration(minutes: float) -> str:
    """Write a time as people say it."""
    if minutes < 1.5:
        return "a minute"
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes / size:.0f} {unit}"
    return f"{minutes:.0f} minutes"


def _escape(text: str) -> str:
    """Write a text so that Markdown shows it as it is, a name such as `a|b` or `<b>` included."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>|#&$" else letter for letter in text)


def _escaped(table: Table) -> Table:
    return Table(
        [_escape(cell) for cell in table.header],
        [[_escape(cell) for cell in row] for row in table.rows],
    )

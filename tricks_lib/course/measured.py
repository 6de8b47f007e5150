"""Measurements named by what was compared, so that a page can quote them without typing a number.

`Standing` is a comparison of a standing setting, `Own` one that a chapter declared before its study
was run, `Beside` one of a chapter's further studies. Each loads its record when it is asked.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import dataclass, replace
from functools import cache

from ..lab.study import Finding, OwnImages, StudyResult
from ..recipe import Recipe
from .chapter import chapter
from .plan import Headline, StudyPlan
from .standing.comparisons import (
    BASELINE,
    comparisons,
    note,
    result,
    rival_finding,
)
from .standing.comparisons import finding as standing_finding

__all__ = ["Beside", "Measured", "Own", "Seen", "Standing", "part"]


@dataclass(frozen=True)
class Standing:
    """What a standing setting found of a chapter's trick.

    Args:
        slug: the chapter.
        setting: "garments" or "colour".
        rival: whether against the trick's honest rival, in place of what it is put into.
        turned: whether to say what the other does against the trick.
    """

    slug: str
    setting: str
    rival: bool = False
    turned: bool = False

    def found(self) -> Finding | None:
        """Load it; None while the setting has too few seeds.

        Raises:
            ValueError: if the setting compares no such trick, or has no rival for it.
        """
        one = comparisons().get(self.slug)
        if one is None or (self.rival and not one.rival):
            raise ValueError(f"{self.setting} has no comparison for {self}")
        look_up = rival_finding if self.rival else standing_finding
        found = look_up(self.slug, self.setting)
        return _turned(found) if found and self.turned else found

    def described(self) -> str:
        """Say in Markdown what was compared with what, and where."""
        one = comparisons()[self.slug]
        against = one.rival if self.rival else one.against
        against = "the baseline" if against == BASELINE else against
        pair = [one.named or one.arm, against]
        first, second = reversed(pair) if self.turned else pair
        return f"in *{self.setting}*, {first} against {second}{note(self.slug, self.setting)}"

    @property
    def place(self) -> str:
        """Where it was measured, in a word."""
        return self.setting

    @property
    def against_what(self) -> str:
        """What it stands against, where that is not what the trick is put into."""
        one = comparisons()[self.slug]
        if self.turned:
            return one.named or one.arm
        return one.rival if self.rival else ""


@dataclass(frozen=True)
class Own:
    """A comparison that a chapter declared: by default the one for which its study was made.

    Args:
        slug: the chapter.
        arm: the arm that is compared; any, if left out.
        against: the arm that it stands against; any, if left out.
        metric: what is compared; any, if left out.
        study: the ending of the name of a further study of the chapter, such as "noisy".
        turned: whether to say what the other arm does against this one.
    """

    slug: str
    arm: str = ""
    against: str = ""
    metric: str = ""
    study: str = ""
    turned: bool = False

    def found(self) -> Finding:
        """Load it.

        Raises:
            ValueError: if no declared comparison fits, or more than one.
        """
        found = _declared(self.slug, self.study)[self._index()]
        return _turned(found) if self.turned else found

    def described(self) -> str:
        """Say in Markdown what was compared with what, and where."""
        found, asked = self.found(), _asked(self.slug, self.study)[self._index()]
        if self.turned:
            return f"{found.setting}, against {asked.arm}"
        if self._index() == 0:
            return found.setting
        return f"{asked.arm}{': ' if found.also else ' against '}{found.setting}"

    @property
    def place(self) -> str:
        """Where it was measured, in a word."""
        return "own setting"

    @property
    def against_what(self) -> str:
        """What it stands against, where that is not what the chapter's first comparison has."""
        asked = _asked(self.slug, self.study)[self._index()]
        if self.turned:
            return asked.arm
        is_rival = self._index() > 0 and not self.found().also
        return (asked.against or "the baseline") if is_rival else ""

    def _index(self) -> int:
        plan, asked = part(self.slug, self.study), _asked(self.slug, self.study)
        if not (self.arm or self.against or self.metric) and asked:
            return 0
        baseline = next(iter(plan.arms))
        fits = [
            index
            for index, one in enumerate(asked)
            if self.arm in ("", one.arm)
            and self.against in ("", one.against or baseline)
            and self.metric in ("", one.metric)
        ]
        if len(fits) != 1:
            raise ValueError(f"expected one declared comparison for {self}, got {len(fits)}")
        return fits[0]


@dataclass(frozen=True)
class Beside:
    """A comparison from a further study of a chapter, for which none was declared.

    It is read together with those of all other arms of that study: the intervals hold at once.

    Args:
        slug: the chapter.
        study: the ending of the study's name, such as "few".
        arm: the arm that is compared.
        against: the arm that it stands against.
        metric: what is compared.
    """

    slug: str
    study: str
    arm: str
    against: str
    metric: str = "accuracy"

    def found(self) -> Finding:
        """Load it.

        Raises:
            ValueError: if the study has no such arm.
        """
        found = _recorded(self.slug, self.study)
        if not {self.arm, self.against} <= found.runs.keys():
            raise ValueError(f"expected two of {list(found.runs)} in {self}")
        others = len(found.runs) - 1
        gap = found.difference(self.arm, self.metric, self.against, comparisons=others)
        return Finding(gap, self._where())

    def described(self) -> str:
        """Say in Markdown what was compared with what, and where."""
        return f"{self.arm} against {self.against}; {self._where()}"

    @property
    def place(self) -> str:
        """Where it was measured, in a word."""
        return "own setting"

    @property
    def against_what(self) -> str:
        """What it stands against, where that must be said; the arms of such a study say it."""
        return ""

    def _where(self) -> str:
        plan = part(self.slug, self.study)
        arm = plan.arms[self.arm]
        images, said = plan.data, []
        if isinstance(images, OwnImages):
            said += [f"{images.train:,} images"]
            if images.wrong_labels:
                said += [f"{images.train * images.wrong_labels:,.0f} of them with a wrong label"]
        if isinstance(arm, Recipe):
            said += [f"{arm.epochs} epochs"]
        return ", ".join(said)


Measured = Standing | Own | Beside
"""What a page may quote."""


@dataclass(frozen=True)
class Seen:
    """Two or more numbers of one arm, to show what a symptom looks like.

    Args:
        says: what was trained, in a few words.
        arm: the arm.
        metrics: which of its numbers.
        setting: a standing setting; "" for a chapter's study.
        slug: the chapter whose study it is; "" for a standing setting.
        study: the ending of the name of a further study of that chapter.
    """

    says: str
    arm: str
    metrics: tuple[str, ...]
    setting: str = ""
    slug: str = ""
    study: str = ""

    def described(self) -> str:
        """Say the numbers, each with its standard deviation over the seeds."""
        found = result(self.setting) if self.setting else _recorded(self.slug, self.study)
        if found is None:
            return f"{self.says}: not recorded yet"
        told = [f"{found.metric(one).label} {found.spread(self.arm, one)}" for one in self.metrics]
        return f"{self.says}: {', '.join(told)}"


def part(slug: str, study: str = "") -> StudyPlan:
    """Return a study of a chapter: its main one, or the one whose name has an ending.

    Raises:
        ValueError: if it has no such study.
    """
    plan = chapter(slug).plan
    name = f"{plan.name}-{study}" if study else plan.name
    for one in plan.parts:
        if one.name == name:
            return one
    raise ValueError(f"expected one of {[one.name for one in plan.parts]}, got {name!r}")


def _turned(found: Finding) -> Finding:
    """Exchange what is compared: the other one minus the trick."""
    gap = found.difference
    other = replace(
        gap,
        values=tuple(-value for value in gap.values),
        mean=-gap.mean,
        low=-gap.high,
        high=-gap.low,
        diverged=gap.diverged_baseline,
        diverged_baseline=gap.diverged,
    )
    return replace(found, difference=other)


def _asked(slug: str, study: str) -> list[Headline]:
    plan = part(slug, study)
    return [*filter(None, (plan.headline,)), *plan.rivals]


@cache
def _declared(slug: str, study: str) -> list[Finding]:
    return part(slug, study).declared()


@cache
def _recorded(slug: str, study: str) -> StudyResult:
    return part(slug, study).recorded()

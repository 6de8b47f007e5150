"""What a chapter measures, said once: for the command that records it, and for the chapter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..lab.data import Data
from ..lab.study import (
    STANDARD,
    Figures,
    Finding,
    Metric,
    OwnImages,
    StudyResult,
    Train,
    code_hash,
    estimate_seconds,
    final_metrics,
    study,
)
from ..lab.study.record import MARKS, alone
from ..lab.study.run import ENGINE, as_text
from ..lab.train import Evaluate, Run, fit
from ..recipe import Recipe

__all__ = ["Arm", "Headline", "StudyPlan", "best_tries"]


Arm = Recipe | Callable[[int], Figures]
"""What an arm of a study is: a recipe, or a function with a name, seed -> metrics."""


@dataclass(frozen=True)
class Headline:
    """A comparison for which a study is made, declared before it is run.

    Args:
        arm: the arm that is compared.
        metric: name of the metric.
        setting: where it is found, in a few words.
        against: the arm that it is compared with; the study's baseline by default.
    """

    arm: str
    metric: str
    setting: str
    against: str | None = None


@dataclass(frozen=True)
class StudyPlan:
    """A study that a chapter reports.

    Args:
        path: the file that holds its runs, in the chapter's folder `results`.
        recipes: recipes by the names of their arms; the first is the baseline.
        data: loads the data set, always the same; or gives each seed its own training images.
        seeds: how many runs of each recipe (seeds 0, 1, …), or which.
        measure: what to keep of a run.
        metrics: what the figures mean.
        evaluate: when each run is scored: see `fit`.
        on: the split to score: "validation" where something is chosen, so that the test images
            play no part in it.
        train: makes a run; takes the arguments of `fit`.
        headline: what the study is made for; None for a search, or a study beside another.
        rivals: comparisons of the trick with the cheapest things that do the same work. The
            headline and these are read together, so their intervals hold all at once.
        functions: further arms, which are functions with a name, seed -> metrics.
        derived: arms that need no runs of their own: by name, the arm whose runs they are read off,
            and the ending of the metrics that they take, such as "_tempered".
        tuning: the search that chose the recipes, which is recorded before; None if they are given.
        ties: the tries of the search that tied, with further seeds; None if none did.
        beside: the chapter's other studies, such as the same recipes on other data.
    """

    path: Path
    recipes: Mapping[str, Recipe]
    data: Callable[[], Data] | OwnImages
    seeds: int | Sequence[int]
    measure: Callable[[Run, Data], Figures] = final_metrics
    metrics: tuple[Metric, ...] = STANDARD
    evaluate: Evaluate = "end"
    on: str = "test"
    train: Train = fit
    headline: Headline | None = None
    rivals: tuple[Headline, ...] = ()
    functions: Mapping[str, Callable[[int], Figures]] = field(default_factory=dict)
    derived: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tuning: "StudyPlan | None" = None
    ties: "StudyPlan | None" = None
    beside: "tuple[StudyPlan, ...]" = ()

    @property
    def name(self) -> str:
        """What the file is called: the chapter, and for its other studies a dash and a word."""
        return self.path.stem

    @property
    def chapter(self) -> str:
        """The slug of the chapter that this study is recorded with."""
        return self.path.parent.parent.name

    @property
    def parts(self) -> "list[StudyPlan]":
        """All that the chapter records, in order: the search, this study, the others."""
        return [*filter(None, (self.tuning, self.ties)), self, *self.beside]

    @property
    def arms(self) -> dict[str, Arm]:
        """All arms that need runs of their own, by name."""
        return {**self.recipes, **self.functions}

    @property
    def seed_list(self) -> list[int]:
        """The seeds of each arm."""
        return list(range(self.seeds)) if isinstance(self.seeds, int) else list(self.seeds)

    def of_seed(self, seed: int = 0) -> Data:
        """Load the data of one seed."""
        return self.data(seed) if isinstance(self.data, OwnImages) else self.data()

    def estimate_seconds(self) -> float:
        """Guess how long `record` will take on this machine."""
        seeds = self.seed_list
        return estimate_seconds(
            self.recipes, self.of_seed(seeds[0]), seeds, evaluate=self.evaluate, on=self.on
        )

    def record(self, *, fresh: bool = False, jobs: int = 1) -> StudyResult:
        """Make the runs that are missing; all of them, where `fresh`.

        Args:
            fresh: whether to make all runs again.
            jobs: how many to make side by side.

        Raises:
            ValueError: if the file holds the answer to another question.
        """
        return self._study(self.arms, self.seed_list, path=self.path, fresh=fresh, jobs=jobs)

    def _study(
        self, recipes: Mapping[str, Arm], seeds: Sequence[int], **others: Any
    ) -> StudyResult:
        return study(
            recipes,
            self.data if isinstance(self.data, OwnImages) else self.data(),
            seeds,
            measure=self.measure,
            metrics=self.metrics,
            evaluate=self.evaluate,
            on=self.on,
            train=self.train,
            **others,
        )

    def recorded(self) -> StudyResult:
        """Load the recorded result.

        Raises:
            FileNotFoundError: if it was never recorded, with the command that does.
            ValueError: if it was recorded with other recipes, other code or other seeds than the
                plan's.
        """
        again = f"run `make study CHAPTER={self.chapter}` in a checkout of the course"
        if not self.path.exists():
            raise FileNotFoundError(f"{self.path.name} is not recorded yet: {again}")
        result = StudyResult.load(self.path, self.metrics)
        if wrong := self._differences(result):
            raise ValueError(f"{self.path.name} was recorded for another plan ({wrong}): {again}")
        return self._with_derived(_only(result, self.arms))

    def so_far(self) -> StudyResult | None:
        """Load what there is of a study that is still being recorded: the arms of the plan with two
        runs or more; None if the baseline is not among them.

        Raises:
            ValueError: if it was recorded with other recipes or other code than the plan's.
        """
        if not self.path.exists():
            return None
        result = StudyResult.load(self.path, self.metrics)
        there = {arm for arm in self.arms if len(result.runs.get(arm, ())) > 1}
        if next(iter(self.arms)) not in there:
            return None
        begun = replace(
            self,
            recipes={arm: recipe for arm, recipe in self.recipes.items() if arm in there},
            functions={arm: train for arm, train in self.functions.items() if arm in there},
            seeds=(),
        )
        if wrong := begun._differences(result):
            raise ValueError(f"{self.path.name} was recorded for another plan ({wrong})")
        return self._with_derived(_only(result, begun.arms))

    def _with_derived(self, result: StudyResult) -> StudyResult:
        declared = {
            (one.arm, one.metric): len(self._asked)
            for one in self._asked
            if one.against in (None, result.baseline)
        }
        result = replace(result, declared=declared)
        for name, (arm, ending) in self.derived.items():
            if arm in result.runs:
                result = result.with_derived(name, arm, ending)
        return result

    def verify(self) -> StudyResult:
        """Prove that the code of today gives the recorded numbers, and note its hash in the record.

        For a change of the code that changes no number: the first seed of every arm is run again,
        and every figure must come out as it was, to the last bit, on a machine of the same kind.

        Raises:
            ValueError: if a figure differs.
        """
        result = StudyResult.load(self.path, self.metrics)
        seed = self.seed_list[0]
        made = self._study(self.arms, [seed], threads=result.provenance["threads"])
        for arm in self.arms:
            same = all(
                getattr(made, name)[arm].get(seed) == getattr(result, name)[arm].get(seed)
                for name in ("runs", "diverged")
            )
            if not same:
                raise ValueError(
                    f"{self.path.name} cannot be confirmed: {arm!r} with seed {seed} gives "
                    f"{made.runs[arm][seed]}, recorded is {result.runs[arm].get(seed)}"
                )
        kept = {k: v for k, v in result.provenance.items() if k in ("seconds", *MARKS)}
        # The file may hold further arms, of which this says nothing.
        kept["code"] = result.provenance["code"] | made.provenance["code"]
        kept["confirmed"] = "the first seed of every arm was run again and gave the same figures"
        with alone(self.path):
            replace(result, provenance=made.provenance | kept).save(self.path)
        return self.recorded()

    def stamp(self, how: str) -> StudyResult:
        """Note in the record that today's code gives its numbers, and how that was proved.

        Args:
            how: the proof, in a sentence; see `tools/confirm.py`.
        """
        with alone(self.path):
            result = StudyResult.load(self.path, self.metrics)
            code = {arm: code_hash(recipe) for arm, recipe in self.arms.items()}
            stamps = {"code": result.provenance["code"] | code, "confirmed": how}
            if self.recipes:
                stamps |= self._hashes() | {"engine": code_hash(*ENGINE)}
            replace(result, provenance=result.provenance | stamps).save(self.path)
        return self.recorded()

    def finding(self) -> Finding | None:
        """Say what the recorded study found; None where no comparison was declared."""
        return None if self.headline is None else self.declared()[0]

    def declared(self) -> list[Finding]:
        """Return what was found in the headline and against the rivals, with simultaneous
        intervals."""
        asked = self._asked
        found = self.recorded() if asked else None
        return [
            Finding(
                found.difference(one.arm, one.metric, one.against, comparisons=len(asked)),
                one.setting,
                also=place > 0
                and self._stands_against(one, found) == self._stands_against(asked[0], found),
            )
            for place, one in enumerate(asked)
            if found
        ]

    def _stands_against(self, one: Headline, found: StudyResult) -> str:
        return one.against or found.baseline

    @property
    def _asked(self) -> list[Headline]:
        """The comparisons that are read together."""
        return [*filter(None, (self.headline,)), *self.rivals]

    def _differences(self, result: StudyResult) -> str:
        """Say in which way a record answers another question than this plan asks; "" if in none."""
        texts = {arm: as_text(recipe) for arm, recipe in self.arms.items()}
        wrong = [arm for arm, text in texts.items() if result.recipes.get(arm) != text]
        if wrong:
            return f"other recipes of {wrong}"
        short = [arm for arm in self.arms if not set(self.seed_list) <= set(result.runs[arm])]
        if short:
            return f"seeds are missing of {short}"
        if result.baseline != next(iter(self.arms)):
            return f"the baseline was {result.baseline}"
        code = {arm: result.provenance["code"][arm] for arm in self.arms}
        if set(code.values()) == {None}:
            return ""  # of the first edition, which hashed nothing
        changed = [arm for arm, recipe in self.arms.items() if code[arm] != code_hash(recipe)]
        if changed:
            return f"the code that {changed} use was changed"
        if not self.recipes:
            return ""  # functions load, train and measure by themselves
        asked = {"data_code": None, **self._hashes(), "evaluate": self.evaluate, "on": self.on}
        others = [name for name, now in asked.items() if result.provenance.get(name) != now]
        return f"other {', '.join(others)}" if others else ""

    def _hashes(self) -> dict[str, str]:
        """Return the hashes of the code that all recipes share, by their names in a record."""
        shared = {"measure_code": code_hash(self.measure), "train_code": code_hash(self.train)}
        if isinstance(self.data, OwnImages):
            shared["data_code"] = code_hash(self.data)
        return shared


def _only(result: StudyResult, arms: Iterable[str]) -> StudyResult:
    """Leave out the other arms that a file holds; the arms come in the order asked for."""
    kept: dict[str, Any] = {
        name: {arm: getattr(result, name)[arm] for arm in arms}
        for name in ("recipes", "runs", "diverged")
    }
    return replace(result, **kept)


def best_tries(
    result: StudyResult,
    tries: Mapping[str, Iterable[str]],
    metric: str = "accuracy",
    ties: StudyResult | None = None,
    then: str | None = None,
) -> dict[str, str]:
    """Choose one arm of each group by its mean over the seeds; an arm that diverged is out.

    Args:
        result: a recorded search.
        tries: arms of each group.
        metric: the figure to choose by; it says itself whether higher or lower is better.
        ties: the arms that tied, recorded with further seeds, which decide between them.
        then: another figure, which decides where the first is the same.

    Returns:
        The chosen arm of each group.

    Raises:
        ValueError: if nobody has said which way the figure is better; if all arms of a group
            diverged; if the best are equal, since nothing but their order would decide between
            them.
    """
    if result.metric(metric).better is None:
        raise ValueError(f"nobody has said whether a higher or a lower {metric} is better")
    chosen = {}
    for group, arms in tries.items():
        leaders = _leaders(result, arms, metric)
        if not leaders:
            raise ValueError(f"every try of {group!r} diverged")
        if len(leaders) > 1 and ties and set(leaders) <= set(ties.runs):
            leaders = _leaders(ties, leaders, metric) or leaders
        if len(leaders) > 1 and then:
            leaders = _leaders(result, leaders, then) or leaders
        if len(leaders) > 1:
            raise ValueError(f"{leaders} tie for {group!r}: record them with further seeds")
        chosen[group] = leaders[0]
    return chosen


def _leaders(result: StudyResult, arms: Iterable[str], metric: str) -> list[str]:
    """Return the arms with the best mean, of those that gave a finite figure in every run."""
    sign = -1 if result.metric(metric).better == "lower" else 1
    found = {arm: result.values(arm, metric) for arm in arms}
    # Sums of the same numbers in another order differ in their last bits.
    means = {
        arm: round(sign * result.mean(arm, metric), 12)
        for arm, values in found.items()
        if values and len(values) == len(result.runs[arm])
    }
    return [arm for arm, mean in means.items() if mean == max(means.values())]

"""What a chapter measures, said once: for `make study`, which records it, and for the chapter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..lab.data import Data
from ..lab.metrics import evaluate
from ..lab.study import Figures, StudyResult, estimate_seconds, final_metrics, study
from ..lab.train import Run, fit
from ..recipe import Recipe

RESULTS = Path(__file__).parents[2] / "results"
"""Where the course keeps its recorded studies."""


@dataclass(frozen=True)
class StudyPlan:
    """A study that a chapter reports.

    Args:
        slug: name of the file in `results/`: that of the chapter, for its other studies with a dash
            and a word after it, such as "decay-tuning".
        recipes: recipes by the names of their arms; the first is the baseline.
        data: builds the data set, always the same.
        seeds: how many runs of each recipe (seeds 0, 1, …), or which.
        measure: what to keep of a run.
        train: makes a run.
        tuning: the search that chose the recipes, which is recorded before; None if they are given.
        beside: the chapter's other studies, such as the same recipes on other data.
    """

    slug: str
    recipes: Mapping[str, Recipe]
    data: Callable[[], Data]
    seeds: int | Sequence[int]
    measure: Callable[[Run], Figures] = final_metrics
    train: Callable[..., Run] = fit
    tuning: "StudyPlan | None" = None
    beside: "tuple[StudyPlan, ...]" = ()

    @property
    def path(self) -> Path:
        """The file that holds the recorded result."""
        return RESULTS / f"{self.slug}.json"

    @property
    def chapter(self) -> str:
        """The chapter that this study is recorded with."""
        return self.slug.partition("-")[0]

    @property
    def parts(self) -> "list[StudyPlan]":
        """All that the chapter records, in order: the search, this study, the others."""
        return [*([self.tuning] if self.tuning else []), self, *self.beside]

    def estimate_seconds(self) -> float:
        """Guess how long `record` will take on this machine."""
        return estimate_seconds(self.recipes, self.data(), len(self._seeds()))

    def record(self) -> StudyResult:
        """Make the runs again from nothing, or go on where an interruption stopped them."""
        return study(
            self.recipes,
            self.data(),
            self.seeds,
            measure=self.measure,
            train=self.train,
            path=self.path,
            fresh=True,
        )

    def recorded(self) -> StudyResult:
        """Load the recorded result.

        Raises:
            FileNotFoundError: if it was never recorded, with the command that does.
            ValueError: if it was recorded with other recipes or seeds than the plan's.
        """
        if not self.path.exists():
            raise FileNotFoundError(
                f"{self.path.name} is not recorded yet: run `make study CHAPTER={self.chapter}` "
                "in a checkout of the course"
            )
        result = StudyResult.load(self.path)
        recorded = result.recipes, result.seeds
        planned = {arm: repr(r) for arm, r in self.recipes.items()}, self._seeds()
        if recorded != planned:
            raise ValueError(
                f"{self.path.name} was recorded with {recorded}, the plan is {planned}: "
                f"run `make study CHAPTER={self.chapter}` again"
            )
        return result

    def _seeds(self) -> list[int]:
        return sorted(range(self.seeds) if isinstance(self.seeds, int) else self.seeds)


def on_validation(recipe: Recipe, data: Data, seed: int, device: torch.device | None) -> Run:
    """Train and evaluate on validation images, so that the test images play no part in a choice."""
    return fit(recipe, data, seed, device, evaluate_on="validation")


def only_at_the_end(recipe: Recipe, data: Data, seed: int, device: torch.device | None) -> Run:
    """Train and evaluate on test images once, at the end: where training images are few, looking
    after every epoch costs more than training."""
    run = fit(recipe, data, seed, device, evaluate_on=None)
    run.history.epochs.append(evaluate(run.model, data))
    return run


def best_tries(
    result: StudyResult, tries: Mapping[str, Sequence[str]], metric: str = "accuracy"
) -> dict[str, str]:
    """Choose one arm of each group by its mean over the seeds; an arm that diverged is out.

    Args:
        result: a recorded search.
        tries: arms of each group, in the order in which they were tried: the first of equals wins.
        metric: the figure to choose by, the higher the better.

    Returns:
        The chosen arm of each group.

    Raises:
        ValueError: if all arms of a group diverged.
    """
    chosen = {}
    for group, arms in tries.items():
        means = {arm: result.mean(arm, metric) for arm in arms if not result.diverged[arm]}
        if not means:
            raise ValueError(f"every try of {group!r} diverged")
        chosen[group] = max(means, key=means.get)
    return chosen

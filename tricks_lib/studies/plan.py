"""What a chapter measures, said once: for `make study`, which records it, and for the chapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..lab.data import Data
from ..lab.study import Figures, StudyResult, estimate_seconds, final_metrics, study
from ..lab.train import Run
from ..recipe import Recipe

RESULTS = Path(__file__).parents[2] / "results"
"""Where the course keeps its recorded studies."""


@dataclass(frozen=True)
class StudyPlan:
    """A study that a chapter reports.

    Args:
        slug: name of the chapter, and of the file in `results/`.
        recipes: recipes by the names of their arms; the first is the baseline.
        data: builds the data set, always the same.
        seeds: how many runs of each recipe.
        measure: what to keep of a run.
    """

    slug: str
    recipes: Mapping[str, Recipe]
    data: Callable[[], Data]
    seeds: int
    measure: Callable[[Run], Figures] = final_metrics

    @property
    def path(self) -> Path:
        """The file that holds the recorded result."""
        return RESULTS / f"{self.slug}.json"

    def estimate_seconds(self) -> float:
        """Guess how long `record` will take on this machine."""
        return estimate_seconds(self.recipes, self.data(), self.seeds)

    def record(self) -> StudyResult:
        """Make the runs again from nothing, or go on where an interruption stopped them."""
        return study(
            self.recipes,
            self.data(),
            self.seeds,
            measure=self.measure,
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
                f"{self.path.name} is not recorded yet: run `make study CHAPTER={self.slug}` "
                "in a checkout of the course"
            )
        result = StudyResult.load(self.path)
        recorded = result.recipes, result.seeds
        planned = {arm: repr(r) for arm, r in self.recipes.items()}, list(range(self.seeds))
        if recorded != planned:
            raise ValueError(
                f"{self.path.name} was recorded with {recorded}, the plan is {planned}: "
                f"run `make study CHAPTER={self.slug}` again"
            )
        return result

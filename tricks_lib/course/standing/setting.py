"""A standing setting as studies: its search, and the study of all tricks that follows from it.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ...lab.study import OwnImages
from ...recipe import Recipe
from ..plan import StudyPlan, best_tries
from .arms import BASELINE, Frame, arms, tries
from .distilled import Distilled
from .measure import (
    AVERAGED,
    METRICS,
    TEMPERED,
    search_figures,
    standing_figures,
    with_last_networks,
)

__all__ = ["Setting"]

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Setting:
    """What makes a standing setting.

    Args:
        name: what its files are called.
        says: images, length and augmentation, in words.
        frame: network, images and length of the runs.
        data: gives each seed its training images, others for choices, and the test images.
        chosen: the best try of each group of the search.
        search_seeds: the seeds of the search, apart from those of the arms.
        seeds: how many runs of each arm.
        further: slots of the arms that are not in the other setting.
        also: another name of the baseline, by what it does to its images.
        teacher: channels of the first stage of the network that distillation learns from.
    """

    name: str
    says: str
    frame: Frame
    data: OwnImages
    chosen: Mapping[str, str]
    search_seeds: Sequence[int]
    seeds: int
    further: Mapping[str, Mapping[str, Any]]
    also: str
    teacher: int

    @cached_property
    def groups(self) -> dict[str, dict[str, Recipe]]:
        """Recipes that are tried, by group and by arm."""
        return tries(self.frame)

    @cached_property
    def best(self) -> dict[str, Recipe]:
        """The recipe that was chosen, by group."""
        return {group: self.groups[group][arm] for group, arm in self.chosen.items()}

    @cached_property
    def search(self) -> StudyPlan:
        """All tries, on validation images alone: made for choices."""
        recipes = {arm: recipe for tried in self.groups.values() for arm, recipe in tried.items()}
        return StudyPlan(
            path=RESULTS / f"{self.name}-search.jsonl",
            recipes=recipes,
            data=self.data,
            seeds=self.search_seeds,
            measure=search_figures,
            metrics=METRICS,
            on="validation",
        )

    def choose(self) -> dict[str, str]:
        """Return the best try of each group by the recorded search: the one with the highest
        accuracy on the validation images, and of equal ones that with the lower NLL.

        Raises:
            FileNotFoundError: if the search was never recorded.
            ValueError: if it is not recorded to its end, or was for other tries.
        """
        return best_tries(self.search.recorded(), self.groups, then="nll")

    @cached_property
    def plan(self) -> StudyPlan:
        """All tricks, each against the baseline and against its rival: see `comparisons`."""
        base = self.best[BASELINE]
        recipes = arms(
            self.frame,
            lr=base.lr,
            chosen={group: recipe for group, recipe in self.best.items() if group != BASELINE},
            further={
                name: self.frame.recipe(base.lr, **slots) for name, slots in self.further.items()
            },
        )
        wide = partial(self.frame.model, width=self.teacher)
        teacher = self.frame.recipe(base.lr, model=wide)
        return StudyPlan(
            path=RESULTS / f"{self.name}.jsonl",
            recipes=recipes,
            functions={"distillation": Distilled(teacher, student=base, data=self.data)},
            data=self.data,
            seeds=self.seeds,
            measure=standing_figures,
            metrics=METRICS,
            train=with_last_networks,
            tuning=self.search,
            derived={
                "a temperature": (BASELINE, TEMPERED),
                "averaged weights": (BASELINE, AVERAGED),
                "constant learning rate, averaged": ("constant learning rate", AVERAGED),
                self.also: (BASELINE, ""),
            },
        )

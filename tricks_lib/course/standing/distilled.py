"""Distillation in a standing setting: the teacher is trained first, by the same seed.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...lab.data import Data
from ...lab.steps import pick_device
from ...lab.study import Figures
from ...objectives import Distillation
from ...recipe import Recipe
from .measure import standing_figures, with_last_networks

__all__ = ["Distilled"]


@dataclass(frozen=True)
class Distilled:
    """An arm of a study: train a teacher, then a student that listens to it.

    Args:
        teacher: how the teacher is trained.
        student: how the student is trained, but for its objective.
        data: seed -> the data of that seed.
        temperature: T of the objective.
        alpha: weight of the teacher.
        on: the split to score.
    """

    teacher: Recipe
    student: Recipe
    data: Callable[[int], Data]
    temperature: float = 4.0
    alpha: float = 0.9
    on: str = "test"

    def __call__(self, seed: int) -> Figures:
        """Return the figures of the student of this seed."""
        device = pick_device()
        data = self.data(seed).to(device)
        teacher = with_last_networks(
            self.teacher, data, seed=seed, device=device, evaluate=None, on=self.on
        ).model
        objective = Distillation(teacher, self.temperature, self.alpha)
        run = with_last_networks(
            replace(self.student, objective=objective),
            data,
            seed=seed,
            device=device,
            evaluate="end",
            on=self.on,
        )
        return standing_figures(run, data)

"""What a standing setting keeps of every run, and how it makes one.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import asdict
from typing import Any

from torch.optim.swa_utils import AveragedModel, update_bn

from ...lab.data import Data
from ...lab.metrics import best_temperature, evaluate, predict, score
from ...lab.study import STANDARD, Figures, Metric, final_metrics
from ...lab.train import Run, fit
from ...recipe import Recipe

__all__ = [
    "AVERAGED",
    "METRICS",
    "TEMPERED",
    "search_figures",
    "standing_figures",
    "with_last_networks",
]

TEMPERED, AVERAGED = "_tempered", "_averaged"
"""Endings of the metrics of two rivals, which need no run of their own."""


def with_last_networks(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the networks after each epoch of the last quarter."""
    last = range(recipe.epochs - recipe.epochs // 4 + 1, recipe.epochs + 1)
    return fit(recipe, data, snapshots=last, **how)


def averaged(run: Run, data: Data) -> AveragedModel:
    """Average the weights of the networks that were kept, and let batch normalisation see the
    training images once for its running statistics.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson 2018, arXiv:1803.05407, algorithm 1.
    """
    networks = list(run.snapshots.values()) or [run.model]
    average = AveragedModel(networks[0])
    for network in networks:
        average.update_parameters(network)
    update_bn(map(data.normalize, data.train.images.split(500)), average)
    return average.eval()


def standing_figures(run: Run, data: Data) -> Figures:
    """Keep the metrics of the network; the same at the best temperature; the same with averaged
    weights; the accuracy on the training images as they are; and the temperature."""
    test, validation = data.test, data.splits["validation"]
    temperature = best_temperature(predict(run.model, data, "validation"), validation.labels)
    tempered = score(predict(run.model, data) / temperature, test.labels)
    average = evaluate(averaged(run, data), data)
    return final_metrics(run, data) | {
        "train_accuracy": evaluate(run.model, data, "train").accuracy,
        "temperature": temperature,
        **{f"{name}{TEMPERED}": value for name, value in asdict(tempered).items()},
        **{f"{name}{AVERAGED}": value for name, value in asdict(average).items()},
    }


def search_figures(run: Run, data: Data) -> Figures:
    """Keep the metrics of the network, and the accuracy on the training images as they are."""
    accuracy = evaluate(run.model, data, "train").accuracy
    return final_metrics(run, data) | {"train_accuracy": accuracy}


METRICS = (
    *STANDARD,
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
    Metric("temperature", "best temperature"),
)

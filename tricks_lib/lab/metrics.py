"""How good a network is: accuracy, negative log-likelihood, calibration.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from ..ops.arguments import check_count
from ..ops.modes import evaluating
from .data import Data, Split

__all__ = [
    "Metrics",
    "best_temperature",
    "calibration_error",
    "choose_split",
    "evaluate",
    "predict",
    "reliability",
    "score",
]


@dataclass(frozen=True)
class Metrics:
    """What one evaluation found.

    Args:
        accuracy: share of images whose most probable class is the label, in [0, 1].
        nll: mean of -log p(label), in nats; smaller is better, 0 is best.
        ece: expected calibration error over 15 equal bins of confidence, in [0, 1]: the mean gap
            between how sure the network is and how often it is right.

    Source: Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599, equation 3 (calibration).
    """

    accuracy: float
    nll: float
    ece: float

    def __repr__(self) -> str:
        """Return the numbers rounded for people; the attributes have all their digits."""
        return (
            f"Metrics(accuracy={100 * self.accuracy:.2f} %, nll={self.nll:.3f}, "
            f"ece={100 * self.ece:.2f} points)"
        )


def score(logits: Tensor, labels: Tensor, bins: int = 15) -> Metrics:
    """Compare predictions with labels.

    A network may answer with NaN or with an infinite probability, after a step that was too large:
    that is scored, not refused. Such an answer is wrong, and makes both `nll` and `ece` NaN.

    Args:
        logits: float (N, K), N and K at least 1.
        labels: classes 0 ... K - 1, whole numbers (N,). No label is left out, as -100 is in torch.
        bins: equal bins of confidence for the calibration error, at least 1.

    Raises:
        TypeError: if logits are no floating-point numbers, or labels no whole numbers.
        ValueError: if the shapes do not fit, there is no image, or a label is no class.
    """
    logits, labels = _checked(logits, labels)
    confidence = logits.softmax(dim=1).amax(dim=1)
    # The first NaN would be taken for the largest logit, and might stand where the label is.
    hits = ((logits.argmax(dim=1) == labels) & ~confidence.isnan()).float()
    ece = calibration_error(confidence, hits, bins)
    accuracy = hits.sum().item() / len(labels)
    return Metrics(accuracy, F.cross_entropy(logits, labels).item(), ece.item())


def _checked(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits in single precision and labels in the type that torch counts with."""
    expected = "expected logits (N, K) and labels (N,)"
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"{expected}, got {tuple(logits.shape)} and {tuple(labels.shape)}")
    if 0 in logits.shape:
        raise ValueError(
            f"{expected} of at least one image and class, got {tuple(logits.shape)}: "
            "is the split empty?"
        )
    if not logits.is_floating_point():
        raise TypeError(f"expected logits of floating-point numbers, got {logits.dtype}")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"expected labels of whole numbers, got {labels.dtype}")
    labels = labels.long()
    low, high = labels.aminmax()
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(
            f"expected labels 0 ... {logits.shape[1] - 1} for {logits.shape[1]} classes, "
            f"got {low.item()} ... {high.item()}"
        )
    return logits.float(), labels


def calibration_error(confidence: Tensor, hits: Tensor, bins: int = 15) -> Tensor:
    """Average over bins of confidence, weighted by their images, |accuracy - mean confidence|.

    Args:
        confidence: probability of the predicted class, float (N,), N at least 1. A NaN among them
            makes the result NaN.
        hits: 1 where that class is the label, 0 elsewhere, float (N,).
        bins: equal bins, at least 1; bin m of M holds confidences in ((m - 1)/M, m/M].

    Raises:
        ValueError, TypeError: if the shapes differ, there is no image, or no bin.

    Source: Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599, equations 2 and 3.
    """
    if confidence.ndim != 1 or confidence.shape != hits.shape or not len(confidence):
        raise ValueError(
            "expected confidence (N,) and hits (N,) of at least one image, "
            f"got {tuple(confidence.shape)} and {tuple(hits.shape)}"
        )
    # A bin's weight cancels its means: what remains is the sum of hit - confidence.
    gaps = _sum_in_bins(hits - confidence, confidence, bins)
    return gaps.abs().sum() / len(confidence)


def reliability(logits: Tensor, labels: Tensor, bins: int = 15) -> dict[str, Tensor]:
    """Sort images into equal bins by the network's confidence, as the calibration error does.

    Args:
        logits: float (N, K), finite.
        labels: classes 0 ... K - 1, whole numbers (N,).
        bins: how many, at least 1.

    Returns:
        "images" in each bin, "hits" among them, and the sum of their "confidence", each (bins,).

    Raises:
        TypeError, ValueError: as `score`.
    """
    logits, labels = _checked(logits, labels)
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    hits = (predicted == labels).float()
    values = {"images": torch.ones_like(hits), "hits": hits, "confidence": confidence}
    return {name: _sum_in_bins(value, confidence, bins) for name, value in values.items()}


def _sum_in_bins(values: Tensor, confidence: Tensor, bins: int) -> Tensor:
    check_count("bins", bins)
    member = (confidence * bins).ceil().long().clamp(1, bins) - 1
    # Summing by a matrix product repeats exactly on a GPU, where scattered additions do not.
    return values @ F.one_hot(member, bins).to(values.dtype)


@torch.no_grad()
def predict(model: nn.Module, data: Data, split: str = "test", batch_size: int = 1024) -> Tensor:
    """Return the logits (N, K) of every image of one split, in order, on the model's device.

    The model is in evaluation mode meanwhile, and each of its parts is left in the mode that it was
    in.

    Args:
        model: float images -> logits.
        data: where the images come from; neither `augment` nor `mix` touches them here.
        split: "train", "validation" or "test".
        batch_size: images in one forward pass, at least 1; it does not change the result.

    Raises:
        ValueError: if `data` has no such split, or `batch_size` is below 1.
    """
    images = choose_split(data, split).images
    check_count("batch_size", batch_size)
    device = next((parameter.device for parameter in model.parameters()), images.device)
    with evaluating(model):
        return torch.cat(
            [model(data.normalize(batch.to(device))).float() for batch in images.split(batch_size)]
        )


def best_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find the number T for which softmax(logits / T) has the smallest negative log-likelihood.

    Args:
        logits: float (N, K), of images that the network was not trained on.
        labels: integer classes (N,).

    Returns:
        T, between 1/20 and 20: above 1 for an over-confident network, below 1 for an
        under-confident one.

    Source: Guo, Pleiss, Sun, Weinberger 2017, arXiv:1706.04599, section 4.2.
    """
    found = minimize_scalar(
        lambda power: F.cross_entropy(logits * 20**-power, labels).item(),
        bounds=(-1, 1),
        method="bounded",
    )
    return float(20**found.x)


def evaluate(model: nn.Module, data: Data, split: str = "test", batch_size: int = 1024) -> Metrics:
    """Score a model on one split; the arguments are those of `predict`."""
    logits = predict(model, data, split, batch_size)
    return score(logits, choose_split(data, split).labels.to(logits.device))


def choose_split(data: Data, name: str) -> Split:
    """Return a split by its name.

    Raises:
        ValueError: if `data` has no such split.
    """
    split = getattr(data, name, None) if name in ("train", "validation", "test") else None
    if split is None:
        raise ValueError(
            f"expected a split of the data ('train', 'test', or 'validation' after "
            f"data.hold_out(...)), got {name!r}"
        )
    return split

"""How good a network is: accuracy, negative log-likelihood, calibration.

Chapter: notebooks/00_baseline.ipynb
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_calibration_error

from .data import Data


@dataclass(frozen=True)
class Metrics:
    """What one evaluation found.

    Args:
        accuracy: share of images whose most probable class is the label, in [0, 1].
        nll: mean of -log p(label), in nats; smaller is better, 0 is best.
        ece: expected calibration error over 15 equal bins of confidence, in [0, 1]: the mean gap
            between how sure the network is and how often it is right (Guo et al. 2017,
            arXiv:1706.04599, equation 3).
    """

    accuracy: float
    nll: float
    ece: float


def score(logits: Tensor, labels: Tensor, bins: int = 15) -> Metrics:
    """Compare predictions with labels.

    Args:
        logits: float (N, K).
        labels: integer classes (N,).
        bins: equal bins of confidence for the calibration error.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"expected logits (N, K) and labels (N,), "
            f"got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    logits = logits.float()
    hits = logits.argmax(dim=1) == labels
    ece = multiclass_calibration_error(
        logits.softmax(dim=1), labels, num_classes=logits.shape[1], n_bins=bins, norm="l1"
    )
    return Metrics(hits.float().mean().item(), F.cross_entropy(logits, labels).item(), ece.item())


@torch.no_grad()
def predict(model: nn.Module, data: Data, split: str = "test", batch_size: int = 1024) -> Tensor:
    """Return the logits (N, K) of every image of one split, in order, on the model's device.

    The model is in evaluation mode meanwhile and is left in the mode it was in.

    Args:
        model: float images -> logits.
        data: where the images come from; neither `augment` nor `mix` touches them here.
        split: "train", "validation" or "test".
        batch_size: images in one forward pass; it does not change the result.

    Raises:
        ValueError: if `data` has no such split.
    """
    images = _split(data, split).images
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        return torch.cat(
            [model(data.normalize(batch.to(device))).float() for batch in images.split(batch_size)]
        )
    finally:
        model.train(was_training)


def evaluate(model: nn.Module, data: Data, split: str = "test", batch_size: int = 1024) -> Metrics:
    """Score a model on one split; the arguments are those of `predict`."""
    logits = predict(model, data, split, batch_size)
    return score(logits, _split(data, split).labels.to(logits.device))


def _split(data: Data, name: str):
    split = getattr(data, name, None) if name in ("train", "validation", "test") else None
    if split is None:
        raise ValueError(
            f"expected a split of the data ('train', 'test', or 'validation' after "
            f"data.hold_out(...)), got {name!r}"
        )
    return split

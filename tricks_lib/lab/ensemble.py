"""Several networks made into one: by the average of their probabilities, or of their weights.

Chapter: notebooks/03_decay.ipynb
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

from .data import Data

__all__ = ["Ensemble", "average_weights"]


class Ensemble(nn.Module):
    """Average the probabilities of several networks.

    Args:
        networks: at least one, all for the same classes.

    Shape: float images (B, C, H, W) -> logits (B, K), the logarithms of the averaged probabilities,
        so that their softmax is the average.

    Raises:
        ValueError: if there is no network.
    """

    def __init__(self, *networks: nn.Module):
        super().__init__()
        if not networks:
            raise ValueError("expected at least one network, got none")
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        votes = [network(images).log_softmax(dim=1) for network in self.networks]
        return torch.stack(votes).logsumexp(dim=0) - math.log(len(votes))


def average_weights(networks: Iterable[nn.Module], data: Data) -> nn.Module:
    """Return one network that has the mean of the weights of several.

    The means and variances that batch normalisation has collected belong to the networks, not to
    their average: they are collected anew, in one pass over the training images.

    Args:
        networks: at least one, of the same shape: snapshots of one run, not networks of different
            runs, whose weights do not match. They stay as they are.
        data: its training images are what batch normalisation sees.

    Returns:
        A new network in evaluation mode. It costs one network at prediction, unlike `Ensemble`.

    Raises:
        ValueError: if there is no network.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson 2018, arXiv:1803.05407, algorithm 1.
    """
    networks = list(networks)
    if not networks:
        raise ValueError("expected at least one network, got none")
    average = AveragedModel(networks[0])
    for network in networks:
        average.update_parameters(network)
    update_bn(map(data.normalize, data.train.images.split(500)), average)
    return average.module.eval()

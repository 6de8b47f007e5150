"""Several networks whose probabilities are averaged.

Chapter: notebooks/03_decay.ipynb
"""

import math

import torch
from torch import Tensor, nn

__all__ = ["Ensemble"]


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

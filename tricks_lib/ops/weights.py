"""Which parameters of a network are weights, and which are biases, gains and offsets."""

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

__all__ = ["weights_of"]

NORMALISATIONS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
"""`_NormBase` is the base of all batch and instance normalisations of torch."""


def weights_of(model: nn.Module) -> list[nn.Parameter]:
    """List the weights of a network, in the order of `model.parameters()`.

    What a parameter is depends on its layer and its name; the number of its dimensions does not
    tell, since the gain of `LayerNorm((4, 5))` has two. No weights are

    - all parameters of normalisation layers;
    - biases: those with the word "bias" in their name, such as `in_proj_bias` or
      `relative_position_bias_table`;
    - gains and offsets: those that vary along one axis at most, such as the slopes of a PReLU or a
      parameter (C, 1, 1), unless the word "weight" is in the name of one with more dimensions
      (a linear layer with one output has a weight (1, C)).

    All others are weights: also embeddings, which are linear layers for one-hot rows, and a bare
    `nn.Parameter` that varies along two axes or more.

    Returns:
        Each weight once, however many layers share it. A parameter that is no weight in one of its
        layers is left out.
    """
    others = {
        parameter
        for layer in model.modules()
        for name, parameter in layer.named_parameters(recurse=False)
        if not _is_weight(layer, name, parameter)
    }
    return [parameter for parameter in model.parameters() if parameter not in others]


def _is_weight(layer: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    words = name.split("_")
    if isinstance(layer, NORMALISATIONS) or "bias" in words or parameter.ndim < 2:
        return False
    return "weight" in words or sum(size > 1 for size in parameter.shape) > 1

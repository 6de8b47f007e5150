"""Deep narrow perceptrons, in which signals fade or grow, and first weights of any scale.

Chapter: notebooks/17_initialization.ipynb
"""

from collections.abc import Callable

from torch import Tensor, nn

from tricks_lib.models import he_, mlp

__all__ = ["UNITS", "as_it_is", "deep_mlp", "he_scaled", "scaled", "zeros_"]

UNITS = 100
"""Units of each hidden layer."""


def as_it_is(module: nn.Module) -> nn.Module:
    """Leave the first weights as PyTorch draws them."""
    return module


def zeros_(module: nn.Module) -> nn.Module:
    """Set all weights and biases of the linear layers to zero, in place."""
    for layer in linear_layers(module):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return module


def scaled(module: nn.Module, gain: float) -> nn.Module:
    """Multiply the weights of all linear layers, biases not, in place."""
    for layer in linear_layers(module):
        layer.weight.data.mul_(gain)
    return module


def he_scaled(module: nn.Module, gain: float) -> nn.Module:
    """Draw He's weights, times a gain; biases are zero. In place."""
    return scaled(he_(module), gain)


def linear_layers(module: nn.Module) -> list[nn.Linear]:
    """Return the linear layers of a network, in order."""
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def deep_mlp(
    channels: int,
    classes: int,
    depth: int = 20,
    init: Callable[[nn.Module], nn.Module] = as_it_is,
    tanh: bool = False,
    batch_norm: bool = False,
    shortcuts: bool = False,
) -> nn.Module:
    """Build a perceptron of `depth` hidden layers, with its first weights.

    Args:
        channels: channels of the images, of 28 × 28 pixels.
        classes: number of classes.
        depth: hidden layers, at least 1; odd where there are shortcuts.
        init: changes the first weights in place.
        tanh: whether tanh stands where ReLU does.
        batch_norm: whether the sums of each hidden layer are normalised.
        shortcuts: whether each two layers after the first have a way round them.
    """
    network: nn.Module
    if shortcuts:
        network = ResidualMLP(channels, classes, depth)
    else:
        network = mlp(channels, classes, (UNITS,) * depth, batch_norm=batch_norm)
    if tanh:
        for place, layer in enumerate(network):  # type: ignore[arg-type]
            if isinstance(layer, nn.ReLU):
                network[place] = nn.Tanh()  # type: ignore[operator]
    return init(network)


class ResidualMLP(nn.Module):
    """A linear layer, blocks of two with a shortcut round them, and a linear classifier.

    There is no normalisation. See `deep_mlp` for the arguments. Shape: float (B, channels, 28, 28)
    -> logits (B, classes).
    """

    def __init__(self, channels: int, classes: int, depth: int):
        super().__init__()
        if depth % 2 == 0:
            raise ValueError(f"expected an odd depth: a layer and blocks of two, got {depth}")
        self.stem = nn.Sequential(nn.Flatten(), nn.Linear(channels * 28 * 28, UNITS), nn.ReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS))
            for _ in range(depth // 2)
        )
        self.head = nn.Linear(UNITS, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        signal = self.stem(images)
        for block in self.blocks:
            signal = (signal + block(signal)).relu()
        logits: Tensor = self.head(signal)
        return logits

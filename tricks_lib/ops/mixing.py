"""What the mixing tricks share."""

import torch
from torch import Tensor

from .arguments import check_batch, check_rows


def check_mixable(images: Tensor, targets: Tensor) -> None:
    """Check that images are a batch (B, C, H, W) and targets its rows of probabilities (B, K).

    Raises:
        TypeError: if one is no tensor, or targets are labels.
        ValueError: if a shape is wrong.
    """
    check_batch(images)
    check_rows(targets, len(images))


def beta(shape: float) -> float:
    """Draw one number from Beta(shape, shape), by torch's generator.

    It is drawn on the CPU, whatever the device of the images, so that nothing waits for it and a
    seed gives the same number everywhere. In float64 a small shape does not underflow.
    """
    both = torch.tensor(float(shape), dtype=torch.float64)
    return torch.distributions.Beta(both, both, validate_args=False).sample().item()


def take_rows(tensor: Tensor, positions: Tensor) -> Tensor:
    """Return `tensor[positions]`, a new tensor in the same memory format.

    On a CPU an index_select of short contiguous rows is a plain copy, several times faster than
    indexing; so an image is taken line by line.
    """
    if tensor.ndim == 4 and not tensor.is_contiguous():
        by_pixel = tensor.movedim(1, -1)  # how channels_last lies in memory
        if by_pixel.is_contiguous():
            return take_rows(by_pixel, positions).movedim(-1, 1)
    if tensor.device.type != "cpu" or tensor.ndim < 3 or not tensor.is_contiguous():
        return tensor.index_select(0, positions)
    lines = tensor[0].numel() // tensor.shape[-1]
    picked = positions[:, None] * lines + torch.arange(lines)
    return tensor.view(-1, tensor.shape[-1]).index_select(0, picked.flatten()).view(tensor.shape)

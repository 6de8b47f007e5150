"""The tensor parts under torch.compile: one graph, and the same result."""

import pytest
import torch
import torch.nn.functional as F

from tricks_lib import (
    LabelSmoothingLoss,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    crop,
    cut_out,
    distillation_loss,
    erase,
    l1_norm,
    mirror,
    mix_pairs,
    mlp,
    paste_box,
    patch,
    rotate,
    shift_colors,
    smooth_targets,
    soft_threshold,
)
from tricks_lib.ops import tones

IMAGES = torch.randint(0, 256, (6, 3, 12, 10), dtype=torch.uint8)
FLOATS = torch.rand(6, 3, 12, 10)
ROWS = F.one_hot(torch.arange(6) % 4, 4).float()
FACTOR = torch.linspace(0.5, 1.5, 6)
PLACE = torch.tensor([0, 1, 2, 3, 4, 4])

CALLS = {
    "crop": lambda: crop(IMAGES, PLACE, PLACE, 2),
    "mirror": lambda: mirror(IMAGES, PLACE > 2),
    "rotate": lambda: rotate(FLOATS, 20 * FACTOR),
    "rotate bilinear": lambda: rotate(FLOATS, 20 * FACTOR, 0.5, "bilinear"),
    "cut_out": lambda: cut_out(IMAGES, PLACE[:, None], PLACE[:, None], 4, 9),
    "erase": lambda: erase(FLOATS, PLACE, PLACE, PLACE, PLACE, 0.5),
    "brightness": lambda: adjust_brightness(IMAGES, FACTOR),
    "contrast": lambda: adjust_contrast(FLOATS, FACTOR),
    "saturation": lambda: adjust_saturation(FLOATS, FACTOR),
    "hue": lambda: adjust_hue(FLOATS, FACTOR - 1),
    "shift_colors": lambda: shift_colors(FLOATS, torch.ones(6, 3)),
    "posterize": lambda: tones.posterize(IMAGES, PLACE + 2),
    "solarize": lambda: tones.solarize(IMAGES, 40.0 * PLACE),
    "auto_contrast": lambda: tones.auto_contrast(IMAGES),
    "equalize": lambda: tones.equalize(IMAGES),
    "sharpen": lambda: tones.sharpen(IMAGES, FACTOR),
    "mix_pairs": lambda: mix_pairs(FLOATS, ROWS, PLACE, 0.3),
    "paste_box": lambda: paste_box(FLOATS, ROWS, PLACE, (1, 5, 2, 6)),
    "patch": lambda: patch(FLOATS, ROWS, PLACE.expand(4, -1), (5, 4), [(0, 0)] * 4),
    "smooth_targets": lambda: smooth_targets(ROWS, 0.1),
    "label smoothing": lambda: LabelSmoothingLoss(0.1)(FLOATS.mean((2, 3)), ROWS[:, :3]),
    "distillation_loss": lambda: distillation_loss(2 * ROWS, ROWS, ROWS, 4.0, 0.9),
    "soft_threshold": lambda: soft_threshold(FLOATS, 0.3),
    "l1_norm": lambda: l1_norm(MODEL),
}
MODEL = mlp(1, 3, hidden=())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
def test_one_graph_and_the_same_result(name):
    torch.compiler.reset()
    expected = CALLS[name]()
    compiled = torch.compile(CALLS[name], fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(), expected, rtol=1e-5, atol=1e-5)

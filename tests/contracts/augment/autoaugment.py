import torch

from tricks_lib import AutoAugment
from tricks_lib.augment.autoaugment import Plan, apply

from ..cases import AugmentCase, Call, Wrong, some_bytes


def plan(count):
    """Draw a plan, the same at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AutoAugment("svhn").draw(count)


CASE = AugmentCase(
    examples=[AutoAugment(), AutoAugment("svhn", fill=128), AutoAugment("imagenet")],
    channels=(1, 3),
    bytes_only=True,
    calls=[
        Call(
            apply,
            lambda count: {"images": some_bytes(count), "plan": plan(count), "policy": "svhn"},
            gradient=(),
            broken="it reads off the plan how many images each operation gets",
        ),
    ],
    wrong=[
        Wrong(
            AutoAugment,
            ValueError,
            "policy must be one of cifar10, svhn, imagenet, got 'cifar100'",
            policy="cifar100",
        ),
        Wrong(AutoAugment, TypeError, "fill must be a number", fill="black"),
    ],
    parts={Plan: "what `draw` returns"},
)

from tricks_lib import AutoAugment, apply_operations
from tricks_lib.augment.autoaugment import NAMES

from ..cases import AugmentCase, Call, Wrong, some_bytes, some_factors, some_places

MINE = (
    (("Rotate", 0.9, 9), ("Invert", 0.5, None)),
    (("TranslateX", 1.0, 5), ("Identity", 1.0, None)),
)


def wrong(message, operation, error=ValueError):
    """One of the operations of a policy is wrong."""
    policy = (MINE[0], (MINE[1][0], operation))
    return Wrong(AutoAugment, error, message, policy=policy)


CASE = AugmentCase(
    examples=[
        AutoAugment(),
        AutoAugment("svhn", fill=128),
        AutoAugment("imagenet"),
        AutoAugment(MINE, fill=77),
    ],
    channels=(1, 3),
    bytes_only=True,
    calls=[
        Call(
            apply_operations,
            lambda count: {
                "images": some_bytes(count),
                "operation": (some_places(count)[:, None] * 7 + some_places(2)) % len(NAMES),
                "amount": some_factors(count)[:, None].expand(-1, 2),
                "fill": 9,
            },
            gradient=(),
            broken="it reads off the draw how many images each operation gets",
        ),
    ],
    wrong=[
        Wrong(
            AutoAugment,
            ValueError,
            "policy must be one of cifar10, svhn, imagenet, got 'cifar100'",
            policy="cifar100",
        ),
        Wrong(AutoAugment, TypeError, "policy must be one of cifar10, svhn, imagenet", policy=9),
        Wrong(AutoAugment, ValueError, "policy must have one or more pairs", policy=()),
        Wrong(AutoAugment, ValueError, "policy must be pairs of operations", policy=[MINE[0][:1]]),
        wrong("an operation of policy must be (name, probability, magnitude)", ("Rotate", 0.5)),
        wrong("an operation of policy must be one of Identity, ShearX", ("Flip", 0.5, 3)),
        wrong("the probability of Rotate in policy must be a number", ("Rotate", 1.5, 3)),
        wrong("the magnitude of Rotate in policy must be an index 0 ... 9", ("Rotate", 0.5, 10)),
        wrong("the magnitude of Rotate in policy must", ("Rotate", 0.5, None), TypeError),
        wrong("Invert in policy has no magnitude: it must be None, got 3", ("Invert", 0.5, 3)),
        Wrong(AutoAugment, TypeError, "fill must be a number", fill="black"),
    ],
)

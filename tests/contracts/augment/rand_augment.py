from functools import partial

from tricks_lib import RandAugment

from ..cases import AugmentCase, Wrong

CASE = AugmentCase(
    examples=[RandAugment(), RandAugment(1, magnitude=5, num_magnitude_bins=6, fill=128)],
    channels=(1, 3),
    bytes_only=True,
    wrong=[
        Wrong(RandAugment, ValueError, "num_ops must be a whole number >= 1, got 0", num_ops=0),
        Wrong(RandAugment, TypeError, "num_ops must be a whole number >= 1, got 1.5", num_ops=1.5),
        Wrong(RandAugment, ValueError, "magnitude must be an index 0 ... 30", magnitude=31),
        Wrong(RandAugment, ValueError, "magnitude must be a whole number >= 0", magnitude=-1),
        Wrong(
            partial(RandAugment, magnitude=0),
            ValueError,
            "num_magnitude_bins must be a whole number >= 2, got 1",
            num_magnitude_bins=1,
        ),
        Wrong(RandAugment, TypeError, "fill must be a number", fill="black"),
    ],
)

from tricks_lib import TrivialAugment

from ..cases import AugmentCase, Wrong

CASE = AugmentCase(
    examples=[TrivialAugment(), TrivialAugment(num_magnitude_bins=5, fill=128)],
    channels=(1, 3),
    bytes_only=True,
    wrong=[
        Wrong(
            TrivialAugment,
            ValueError,
            "num_magnitude_bins must be a whole number >= 2, got 1",
            num_magnitude_bins=1,
        ),
        Wrong(TrivialAugment, TypeError, "fill must be a number", fill="black"),
    ],
)

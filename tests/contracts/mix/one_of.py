from functools import partial

from tricks_lib import CutMix, Mixup, keep, one_of

from ..cases import Case, Wrong

two = partial(one_of, Mixup(0.2), CutMix(1.0))

CASE = Case(
    examples=[
        one_of(Mixup(0.2), CutMix(1.0)),
        one_of(Mixup(8.0), CutMix(0.3), p=(0.2, 0.8), num_classes=10),
        one_of(one_of(Mixup(0.2), CutMix(1.0)), CutMix(num_classes=10), p=(0.5, 0.5)),
    ],
    wrong=[
        Wrong(one_of, TypeError, "mixes must be mixtures, such as Mixup(0.2), got 3", mixes=3),
        Wrong(one_of, TypeError, "mixes must be mixtures, such as Mixup(0.2), got <", mixes=Mixup),
        Wrong(two, TypeError, "p must be one probability for each of 2 mixtures, got 1.0", p=1.0),
        Wrong(two, ValueError, "p must be one probability for each of 2 mixtures, got (", p=(1.0,)),
        Wrong(two, ValueError, "p must sum to 1, got (0.5, 0.4); `keep`", p=(0.5, 0.4)),
        Wrong(two, ValueError, "each number of p must be a number >= 0 and <= 1", p=(1.5, -0.5)),
        Wrong(two, TypeError, "num_classes must be a whole number >= 1, got 2.0", num_classes=2.0),
        Wrong(
            partial(one_of, Mixup(num_classes=4), keep),
            ValueError,
            "num_classes must be the same for all mixtures, got [4, 5]",
            num_classes=5,
        ),
    ],
)

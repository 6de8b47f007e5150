from tricks_lib import HorizontalFlip, mirror

from ..cases import AugmentCase, Call, Wrong, some_bytes, some_places

CASE = AugmentCase(
    examples=[HorizontalFlip(), HorizontalFlip(p=0.3)],
    calls=[
        Call(
            mirror,
            lambda count: {"images": some_bytes(count), "chosen": some_places(count) > 2},
        ),
    ],
    wrong=[
        Wrong(HorizontalFlip, ValueError, "p must be a number >= 0 and <= 1, got 1.1", p=1.1),
        Wrong(HorizontalFlip, TypeError, "p must be a number >= 0 and <= 1, got 'half'", p="half"),
    ],
)

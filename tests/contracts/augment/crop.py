from tricks_lib import RandomCrop, crop

from ..cases import AugmentCase, Call, Wrong, some_bytes, some_places

CASE = AugmentCase(
    examples=[RandomCrop(padding=4), RandomCrop(padding=3, fill=None)],
    calls=[
        Call(
            crop,
            lambda count: {
                "images": some_bytes(count),
                "top": some_places(count),
                "left": some_places(count),
                "padding": 2,
            },
        ),
    ],
    wrong=[
        Wrong(RandomCrop, ValueError, "padding must be a whole number >= 0, got -1", padding=-1),
        Wrong(RandomCrop, TypeError, "padding must be a whole number >= 0, got 1.5", padding=1.5),
        Wrong(RandomCrop, TypeError, "fill must be a number, one number per channel", fill="mean"),
    ],
)

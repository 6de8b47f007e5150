from tricks_lib import CutMix, paste_box

from ..cases import Call, Case, Wrong, some_floats, some_partners, some_rows

CASE = Case(
    examples=[CutMix(), CutMix(alpha=0.3), CutMix(num_classes=10, p=0.7)],
    calls=[
        Call(
            paste_box,
            lambda count: {
                "images": some_floats(count),
                "targets": some_rows(count),
                "partner": some_partners(count),
                "box": (1, 5, 2, 6),
            },
            gradient=("images", "targets"),
        ),
    ],
    wrong=[
        Wrong(CutMix, ValueError, "alpha must be a number > 0, got -1", alpha=-1),
        Wrong(CutMix, TypeError, "alpha must be a number > 0, got '1'", alpha="1"),
        Wrong(CutMix, ValueError, "num_classes must be a whole number >= 1, got 0", num_classes=0),
        Wrong(
            CutMix, TypeError, "num_classes must be a whole number >= 1, got 2.0", num_classes=2.0
        ),
        Wrong(CutMix, ValueError, "p must be a number >= 0 and <= 1, got 1.5", p=1.5),
        Wrong(CutMix, TypeError, "p must be a number >= 0 and <= 1, got None", p=None),
    ],
)

from tricks_lib import CutMix, paste_box

from ..cases import Call, Case, Wrong, some_floats, some_partners, some_rows

CASE = Case(
    examples=[CutMix(), CutMix(alpha=0.3)],
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
    ],
)

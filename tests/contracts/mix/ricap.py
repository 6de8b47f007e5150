from tricks_lib import RICAP, patch

from ..cases import Call, Case, Wrong, some_floats, some_partners, some_rows

CASE = Case(
    examples=[RICAP(), RICAP(beta=5.0), RICAP(num_classes=10, p=0.7)],
    calls=[
        Call(
            patch,
            lambda count: {
                "images": some_floats(count),
                "targets": some_rows(count),
                "partners": some_partners(count).expand(4, -1),
                "boundary": (5, 4),
                "origins": [(0, 0)] * 4,
            },
            gradient=("images", "targets"),
        ),
    ],
    wrong=[
        Wrong(RICAP, ValueError, "beta must be a number > 0, got inf", beta=float("inf")),
        Wrong(RICAP, TypeError, "beta must be a number > 0, got '1'", beta="1"),
        Wrong(RICAP, ValueError, "num_classes must be a whole number >= 1, got 0", num_classes=0),
        Wrong(
            RICAP, TypeError, "num_classes must be a whole number >= 1, got 2.0", num_classes=2.0
        ),
        Wrong(RICAP, ValueError, "p must be a number >= 0 and <= 1, got 1.5", p=1.5),
        Wrong(RICAP, TypeError, "p must be a number >= 0 and <= 1, got None", p=None),
    ],
)

from tricks_lib import Mixup, mix_pairs

from ..cases import Call, Case, Wrong, some_factors, some_floats, some_partners, some_rows

CASE = Case(
    examples=[Mixup(alpha=0.2), Mixup(alpha=8.0), Mixup(num_classes=10, p=0.7)],
    calls=[
        Call(
            mix_pairs,
            lambda count: {
                "images": some_floats(count),
                "targets": some_rows(count),
                "partner": some_partners(count),
                "weight": 0.3,
            },
            gradient=("images", "targets"),
        ),
        Call(
            mix_pairs,
            lambda count: {
                "images": some_floats(count),
                "targets": some_rows(count),
                "partner": some_partners(count),
                "weight": 0.8 * some_factors(count) - 0.3,  # 0.1 to 0.9
            },
            gradient=("images", "targets", "weight"),
        ),
    ],
    wrong=[
        Wrong(Mixup, ValueError, "alpha must be a number > 0, got 0", alpha=0),
        Wrong(Mixup, TypeError, "alpha must be a number > 0, got '1'", alpha="1"),
        Wrong(Mixup, ValueError, "num_classes must be a whole number >= 1, got 0", num_classes=0),
        Wrong(
            Mixup, TypeError, "num_classes must be a whole number >= 1, got 2.0", num_classes=2.0
        ),
        Wrong(Mixup, ValueError, "p must be a number >= 0 and <= 1, got 1.5", p=1.5),
        Wrong(Mixup, TypeError, "p must be a number >= 0 and <= 1, got None", p=None),
    ],
)

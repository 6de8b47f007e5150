from tricks_lib import Mixup, mix_pairs

from ..cases import Call, Case, Wrong, some_factors, some_floats, some_partners, some_rows

CASE = Case(
    examples=[Mixup(alpha=0.2), Mixup(alpha=8.0)],
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
                "weight": some_factors(count) - 0.5,
            },
            gradient=("images", "targets", "weight"),
        ),
    ],
    wrong=[
        Wrong(Mixup, ValueError, "alpha must be a number > 0, got 0", alpha=0),
        Wrong(Mixup, TypeError, "alpha must be a number > 0, got '1'", alpha="1"),
    ],
)

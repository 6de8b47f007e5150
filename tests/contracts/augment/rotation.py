from tricks_lib import Rotation, rotate

from ..cases import AugmentCase, Call, Wrong, some_factors, some_floats

CASE = AugmentCase(
    examples=[
        Rotation(degrees=30, fill=7),
        Rotation(degrees=180, fill=None, interpolation="bilinear"),
    ],
    calls=[
        Call(
            rotate,
            lambda count: {"images": some_floats(count), "degrees": 20 * some_factors(count)},
        ),
        Call(
            rotate,
            lambda count: {
                "images": some_floats(count),
                "degrees": 20 * some_factors(count),
                "fill": 0.5,
                "interpolation": "bilinear",
            },
        ),
    ],
    wrong=[
        Wrong(Rotation, ValueError, "degrees must be a number >= 0 and <= 180", degrees=181),
        Wrong(Rotation, TypeError, "degrees must be a number >= 0 and <= 180", degrees="15"),
        Wrong(Rotation, ValueError, "each number of fill must be a number", fill=[1, float("inf")]),
        Wrong(
            Rotation,
            ValueError,
            'interpolation must be "nearest" or "bilinear", got \'cubic\'',
            interpolation="cubic",
        ),
    ],
)

from tricks_lib import RandomErasing, erase
from tricks_lib.augment.random_erasing import rectangles

from ..cases import AugmentCase, Call, Wrong, some_factors, some_floats, some_places

NOISY = RandomErasing(p=0.8)

CASE = AugmentCase(
    examples=[NOISY, RandomErasing(p=1.0, area=(0.1, 0.2), aspect=(0.5, 2.0), fill=None)],
    noise=[NOISY],
    calls=[
        Call(
            erase,
            lambda count: {
                "images": some_floats(count),
                **dict.fromkeys(["top", "left", "high", "wide"], some_places(count)),
                "fill": 0.5,
            },
        ),
        Call(
            rectangles,
            lambda count: {
                "area": 0.2 * some_factors(count).double(),
                "aspect": some_factors(count).double(),
                "height": 12,
                "width": 10,
            },
            gradient=(),
        ),
    ],
    wrong=[
        Wrong(RandomErasing, ValueError, "p must be a number >= 0 and <= 1, got 1.5", p=1.5),
        Wrong(RandomErasing, ValueError, "largest area must be a number > 0", area=(0.1, 1.1)),
        Wrong(RandomErasing, TypeError, "area must be a pair (smallest, largest)", area=0.4),
        Wrong(RandomErasing, ValueError, "smallest aspect must be a number > 0", aspect=(-1, 2)),
        Wrong(RandomErasing, TypeError, "fill must be a number, one number per", fill="noise"),
    ],
)

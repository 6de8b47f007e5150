from tricks_lib import (
    ColorShift,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)

from ..cases import AugmentCase, Call, Wrong, some_bytes, some_factors, some_floats

CASE = AugmentCase(
    examples=[ColorShift(), ColorShift(brightness=1.0, contrast=0.0, saturation=0.5, hue=0.5)],
    channels=(1, 3),
    calls=[
        *(
            Call(
                adjust,
                lambda count: {"images": some_bytes(count), "factor": some_factors(count)},
                gradient=(),
            )
            for adjust in (adjust_brightness, adjust_contrast, adjust_saturation)
        ),
        *(
            # No factor is 1: where nothing changes, white is on the edge of what is clipped.
            Call(
                adjust,
                lambda count: {"images": some_floats(count), "factor": 0.9 * some_factors(count)},
                gradient=("images", "factor"),
            )
            for adjust in (adjust_brightness, adjust_contrast, adjust_saturation)
        ),
        Call(adjust_hue, lambda count: {"images": some_bytes(count), "shift": 0.3}, gradient=()),
        Call(
            adjust_hue,
            lambda count: {"images": some_floats(count), "shift": 0.9 * some_factors(count) - 0.88},
            gradient=("images", "shift"),
        ),
    ],
    wrong=[
        Wrong(ColorShift, ValueError, "brightness must be a number >= 0 and <= 1", brightness=1.1),
        Wrong(ColorShift, ValueError, "contrast must be a number >= 0 and <= 1", contrast=-0.1),
        Wrong(ColorShift, TypeError, "saturation must be a number >= 0", saturation="much"),
        Wrong(ColorShift, ValueError, "hue must be a number >= 0 and <= 0.5, got 0.6", hue=0.6),
    ],
)

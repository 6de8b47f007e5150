from tricks_lib.ops import tones

from ..cases import Call, Case, some_bytes, some_factors, some_places

CASE = Case(
    calls=[
        Call(tones.invert, lambda count: {"images": some_bytes(count)}, gradient=()),
        Call(
            tones.posterize,
            lambda count: {"images": some_bytes(count), "bits": some_places(count) + 2},
            gradient=(),
        ),
        Call(
            tones.solarize,
            lambda count: {"images": some_bytes(count), "threshold": 40.0 * some_places(count)},
            gradient=(),
        ),
        Call(tones.auto_contrast, lambda count: {"images": some_bytes(count)}, gradient=()),
        Call(tones.equalize, lambda count: {"images": some_bytes(count)}, gradient=()),
        Call(
            tones.sharpen,
            lambda count: {"images": some_bytes(count), "factor": some_factors(count)},
            gradient=(),
        ),
    ],
)

from functools import partial

from tricks_lib import ResidualBlock, SmallResNet, small_resnet

from ..cases import Case, Wrong

RESNET = partial(small_resnet, 3, 10)

CASE = Case(
    examples=[
        small_resnet,
        partial(small_resnet, width=5, depths=(1, 2), stem_stride=1),
        partial(small_resnet, width=4, batch_norm=False),
        partial(small_resnet, width=4, dropout=0.5),
    ],
    parts={
        ResidualBlock: "a part of the network",
        SmallResNet: "the network that `small_resnet` builds, which checks its arguments",
    },
    wrong=[
        Wrong(partial(small_resnet, classes=10), ValueError, "channels must be at", channels=0),
        Wrong(partial(small_resnet, 3), ValueError, "classes must be at least 2, got 1", classes=1),
        Wrong(RESNET, ValueError, "width must be at least 1, got 0", width=0),
        Wrong(RESNET, ValueError, "depths must be block counts of at least 1, got ()", depths=()),
        Wrong(RESNET, ValueError, "stem_stride must be at least 1, got 0", stem_stride=0),
        Wrong(RESNET, ValueError, "dropout must be a number >= 0 and < 1", dropout=-0.1),
    ],
)

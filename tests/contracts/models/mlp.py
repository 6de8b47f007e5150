from functools import partial

from tricks_lib import mlp

from ..cases import Case, Wrong

MLP = partial(mlp, 3, 10)
COUNTS = "expected channels >= 1, classes >= 2, size >= 1 and hidden layers of >= 1 unit"

CASE = Case(
    examples=[
        mlp,
        partial(mlp, hidden=(), size=7),
        partial(mlp, hidden=(20,), batch_norm=True, dropout=0.3),
    ],
    wrong=[
        Wrong(partial(mlp, classes=10), ValueError, COUNTS, channels=0),
        Wrong(partial(mlp, 3), ValueError, COUNTS, classes=1),
        Wrong(MLP, ValueError, COUNTS, hidden=(20, 0)),
        Wrong(MLP, ValueError, COUNTS, size=0),
        Wrong(MLP, ValueError, "dropout must be a number >= 0 and < 1, got 1.0", dropout=1.0),
    ],
)

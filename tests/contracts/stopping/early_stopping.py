from tricks_lib import EarlyStopping, GeneralizationLoss

from ..cases import Case, Wrong

CASE = Case(
    examples=[
        EarlyStopping(),
        EarlyStopping(patience=2, min_delta=0.01),
        GeneralizationLoss(),
        GeneralizationLoss(percent=50.0),
    ],
    wrong=[
        Wrong(EarlyStopping, ValueError, "patience must be a whole number >= 1", patience=0),
        Wrong(EarlyStopping, ValueError, "min_delta must be a number >= 0", min_delta=-1),
        Wrong(GeneralizationLoss, ValueError, "percent must be a number > 0, got 0", percent=0),
    ],
)

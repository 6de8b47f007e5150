from functools import partial

import torch

from tricks_lib import PCAColor, principal_colors, shift_colors
from tricks_lib.augment.pca_color import (
    IMAGENET_EIGENVALUES,
    IMAGENET_EIGENVECTORS,
    color_shifts,
)

from ..cases import AugmentCase, Call, Wrong, some_factors, some_floats

GREY, OTHER = (1.0, 1.0, 1.0), (0.0, 0.5, -0.5)

CASE = AugmentCase(
    examples=[
        PCAColor(std=3.0),
        PCAColor(std=2.0, eigenvalues=(0.1, 0.2, 0.3), eigenvectors=(GREY, OTHER, OTHER)),
    ],
    channels=(3,),
    calls=[
        Call(
            shift_colors,
            lambda count: {"images": some_floats(count), "shifts": torch.ones(count, 3)},
            gradient=("images", "shifts"),
        ),
        Call(
            color_shifts,
            lambda count: {
                "alpha": some_factors(3 * count).view(count, 3),
                "eigenvalues": torch.tensor(IMAGENET_EIGENVALUES),
                "eigenvectors": torch.tensor(IMAGENET_EIGENVECTORS),
            },
        ),
        Call(
            principal_colors,
            lambda count: {"images": some_floats(count)},
            gradient=(),
            broken="torch.cov decides by values",
        ),
    ],
    wrong=[
        Wrong(PCAColor, ValueError, "std must be a number >= 0, got -0.1", std=-0.1),
        Wrong(PCAColor, ValueError, "expected 3 eigenvalues, got (1, 2)", eigenvalues=(1, 2)),
        Wrong(PCAColor, ValueError, "each of eigenvalues must be a number", eigenvalues=(1, -1, 0)),
        Wrong(
            partial(PCAColor, std=1.0),
            ValueError,
            "expected 3 rows of 3 eigenvectors, got ((1, 0, 0),)",
            eigenvectors=((1, 0, 0),),
        ),
    ],
)

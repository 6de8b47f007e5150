"""Stopping rules: validation losses, one for each epoch so far -> whether to stop."""

from ..ops.discovery import added
from .early_stopping import EarlyStopping, GeneralizationLoss, generalization_loss
from .never import never

__all__ = ["EarlyStopping", "GeneralizationLoss", "generalization_loss", "never"]
__all__ += added(__name__, __all__)

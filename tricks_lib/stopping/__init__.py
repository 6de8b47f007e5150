"""Stopping rules: validation losses, one for each epoch so far -> whether to stop."""

from .early_stopping import EarlyStopping as EarlyStopping
from .early_stopping import GeneralizationLoss as GeneralizationLoss
from .early_stopping import generalization_loss as generalization_loss
from .never import never as never

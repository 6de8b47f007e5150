"""Images to train on: sets that come with the package, published sets, your own folder.

Chapter: notebooks/00_baseline.ipynb
"""

from .load import load_data
from .published import DataUnavailable
from .splits import Data, Split

__all__ = ["Data", "DataUnavailable", "Split", "load_data"]

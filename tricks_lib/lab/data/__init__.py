"""Images to train on: sets that come with the package, published sets, your own folder.

Chapter: notebooks/00_baseline.ipynb
"""

from .cache import cache_folder, cache_size, clear_cache, networks_folder
from .load import load_data
from .published import DataUnavailable
from .splits import Data, Split
from .streamed import StreamedImages

__all__ = [
    "Data",
    "DataUnavailable",
    "Split",
    "StreamedImages",
    "cache_folder",
    "cache_size",
    "clear_cache",
    "load_data",
    "networks_folder",
]

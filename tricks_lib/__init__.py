"""Training tricks for image classifiers: checked implementations and the lab that measures them.

A folder is a slot of the `Recipe`, a file is a trick:

- `augment`: images -> images
- `mix`: (images, targets) -> (images, targets)
- `objectives`: (model, images, targets) -> loss, logits
- `optimizers`: model -> Optimizer
- `schedules`: time -> factor on the learning rate
- `stopping`: validation losses -> whether to stop
- `models`: small networks
- `ops`: what the tricks share

These need torch alone. `lab` trains, measures and draws (`pip install tricks-lib[lab]`); its names
below are loaded at their first use. `course` holds what the chapters add to it
(`pip install tricks-lib[course]`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import augment, mix, models, objectives, optimizers, schedules, stopping
from .augment import *  # noqa: F403
from .mix import *  # noqa: F403
from .models import *  # noqa: F403
from .objectives import *  # noqa: F403
from .optimizers import *  # noqa: F403
from .recipe import Recipe
from .schedules import *  # noqa: F403
from .stopping import *  # noqa: F403

if TYPE_CHECKING:
    from .lab.data import Data as Data
    from .lab.data import Split as Split
    from .lab.data import load_data as load_data
    from .lab.metrics import Metrics as Metrics
    from .lab.metrics import evaluate as evaluate
    from .lab.metrics import predict as predict
    from .lab.metrics import score as score
    from .lab.study import Metric as Metric
    from .lab.study import StudyResult as StudyResult
    from .lab.study import study as study
    from .lab.train import Diverged as Diverged
    from .lab.train import Run as Run
    from .lab.train import fit as fit

__version__ = "0.2.0"

_LAB = {
    "Data": "data",
    "Split": "data",
    "load_data": "data",
    "Metrics": "metrics",
    "evaluate": "metrics",
    "predict": "metrics",
    "score": "metrics",
    "Metric": "study",
    "StudyResult": "study",
    "study": "study",
    "Diverged": "train",
    "Run": "train",
    "fit": "train",
}
"""Public names of the lab, by the module of `lab` that has them."""

__all__ = [
    "Data",
    "Diverged",
    "Metric",
    "Metrics",
    "Recipe",
    "Run",
    "Split",
    "StudyResult",
    "__version__",
    "evaluate",
    "fit",
    "load_data",
    "predict",
    "score",
    "study",
]
__all__ += augment.__all__
__all__ += mix.__all__
__all__ += models.__all__
__all__ += objectives.__all__
__all__ += optimizers.__all__
__all__ += schedules.__all__
__all__ += stopping.__all__


def __getattr__(name: str) -> Any:
    """Load a name of the lab when it is first used, so that the tricks need torch alone."""
    if name not in _LAB:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f".lab.{_LAB[name]}", __name__), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{name} belongs to the lab, which needs {error.name}: "
            "run `pip install 'tricks-lib[lab]'`"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *_LAB})

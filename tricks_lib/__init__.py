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

These need torch alone. `lab` trains, measures and draws (`pip install tricks-lib[lab]`). `course`
holds what the chapters add to it (`pip install tricks-lib[course]`). Every name below is loaded at
its first use: torch takes seconds, and a command line that only says what it can do needs none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import augment, mix, models, objectives, optimizers, schedules, stopping
    from .augment import *  # noqa: F403
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
    from .mix import *  # noqa: F403
    from .models import *  # noqa: F403
    from .objectives import *  # noqa: F403
    from .optimizers import *  # noqa: F403
    from .recipe import Recipe
    from .schedules import *  # noqa: F403
    from .stopping import *  # noqa: F403

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

__version__ = "0.2.0"

_SLOTS = ("augment", "mix", "models", "objectives", "optimizers", "schedules", "stopping")
"""Folders whose public names are public here."""

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


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: one of the lab alone, the tricks all together."""
    if name in _LAB:
        return _from_the_lab(name)
    if name == "__all__" or not name.startswith("_"):
        _load_the_tricks()
    if name not in globals():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[name]


def _load_the_tricks() -> None:
    """Bring the public names of the slots, and list them; loaded, a folder is a name here too."""
    listed = ["Recipe", "__version__", *_LAB]
    globals()["Recipe"] = import_module(".recipe", __name__).Recipe
    for slot in _SLOTS:
        folder = import_module(f".{slot}", __name__)
        globals().update({name: getattr(folder, name) for name in folder.__all__})
        listed += folder.__all__
    globals()["__all__"] = listed


def _from_the_lab(name: str) -> Any:
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
    return sorted({*globals(), *__getattr__("__all__")})

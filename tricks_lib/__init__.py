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
- `lab`: the machinery that trains, measures and draws
- `studies`: what each chapter of the course measures
"""

from .augment import *  # noqa: F403
from .lab.data import Data as Data
from .lab.data import Split as Split
from .lab.data import load_data as load_data
from .lab.metrics import Metrics as Metrics
from .lab.metrics import evaluate as evaluate
from .lab.metrics import predict as predict
from .lab.metrics import score as score
from .lab.study import StudyResult as StudyResult
from .lab.study import study as study
from .lab.train import Diverged as Diverged
from .lab.train import Run as Run
from .lab.train import fit as fit
from .mix import *  # noqa: F403
from .models import *  # noqa: F403
from .objectives import *  # noqa: F403
from .optimizers import *  # noqa: F403
from .recipe import Recipe as Recipe
from .schedules import *  # noqa: F403
from .stopping import *  # noqa: F403

"""Comparing recipes: paired seeds, intervals, verdicts, and the file that keeps the runs."""

from .code import code_hash
from .finding import WORDS, Difference, Finding, Word, overall, paired_difference
from .metric import ACCURACY, ECE, NLL, POINT, STANDARD, TRAIN_LOSS, Metric
from .migrate import migrate
from .result import Figures, StudyResult, Table
from .run import OwnImages, Train, estimate_seconds, final_metrics, study

__all__ = [
    "ACCURACY",
    "ECE",
    "NLL",
    "POINT",
    "STANDARD",
    "TRAIN_LOSS",
    "WORDS",
    "Difference",
    "Figures",
    "Finding",
    "Metric",
    "OwnImages",
    "StudyResult",
    "Table",
    "Train",
    "Word",
    "code_hash",
    "estimate_seconds",
    "final_metrics",
    "migrate",
    "overall",
    "paired_difference",
    "study",
]

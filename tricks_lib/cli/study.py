"""`study`: compare tricks on a data set, or on a folder of images of your own.

Chapter: notebooks/20_own_images.ipynb
"""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from ..practice.names import model_names, nearest, removable_names, trick_names
from .arguments import (
    add_workers,
    device,
    in_points,
    number,
    out_folder,
    pattern,
    some_arms,
    whole,
)

__all__ = ["add", "run"]

SETS = ("fashion-mini", "digits", "fashion-mnist", "cifar10")
"""Data sets that are known by name."""


def add(commands: Any) -> None:
    """Say what may be asked."""
    own = commands.add_parser(
        "study",
        help="compare tricks on a data set or a folder of images",
        description="Train a baseline and the same with each trick, with several seeds, and say "
        "whether the trick helps. Options that you leave out are chosen from the number and "
        "the size of the images.",
    )
    own.add_argument(
        "--data",
        default="fashion-mini",
        metavar="PATH",
        help="folder of images, in train/<class>/ and test/<class>/ or in <class>/; or a name: "
        f"{SETS[0]} (the default), {', '.join(SETS[1:])}",
    )
    own.add_argument(
        "--group-by",
        type=pattern,
        metavar="REGEX",
        help="for a folder without test images: files whose names give the same match stay in the "
        "same part, such as '^(.*?)_'",
    )
    own.add_argument("--skip-bad", action="store_true", help="leave out images that cannot be read")
    which = own.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--tricks",
        type=some_arms,
        metavar="A,B+C",
        help="tricks to try, separated by commas; A+B is both at once, no_A the baseline without "
        f"it. Out of: {', '.join([*trick_names(), *removable_names()])}",
    )
    which.add_argument(
        "--all",
        action="store_true",
        help="every trick that fits the network, each alone; for what the baseline has already, "
        "an arm without it",
    )

    network = own.add_argument_group("network")
    network.add_argument(
        "--model",
        default="small_resnet",
        metavar="NAME",
        help="small_resnet (the default), or one of torchvision's, such as resnet18",
    )
    network.add_argument(
        "--pretrained", action="store_true", help="start from weights trained on ImageNet"
    )
    network.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="start from the trained weights in a file; nothing is downloaded",
    )
    network.add_argument(
        "--image-size",
        type=whole(1, 10_000),
        metavar="N",
        help="height and width of the images of a folder, in pixels",
    )

    training = own.add_argument_group("training")
    training.add_argument(
        "--seeds",
        type=whole(2),
        default=5,
        metavar="N",
        help="runs of each recipe, 2 or more (default: 5)",
    )
    training.add_argument(
        "--epochs",
        type=whole(1),
        metavar="N",
        help="passes over the images (default: from their number)",
    )
    training.add_argument("--batch-size", type=whole(1), metavar="N", help="images in a step")
    training.add_argument("--lr", type=number, metavar="X", help="learning rate at the start")

    machine = own.add_argument_group("machine")
    add_workers(machine)
    machine.add_argument("--ray", metavar="ADDRESS", help="make the runs on a Ray cluster")
    machine.add_argument(
        "--device", type=device, help="cuda, mps or cpu (default: the best there is)"
    )
    machine.add_argument(
        "--threads",
        type=whole(1, 1024),
        default=1,
        metavar="N",
        help="CPU threads of each run (default: 1)",
    )

    result = own.add_argument_group("result")
    result.add_argument(
        "--smallest",
        type=in_points,
        default=0.003,
        metavar="POINTS",
        help="smallest difference of accuracy that would matter to you (default: 0.3)",
    )
    result.add_argument(
        "--out",
        type=out_folder,
        metavar="DIR",
        help="folder for the runs, the report and the best network; the same command goes on from "
        "what is there, and makes only what is missing",
    )
    result.add_argument("--fresh", action="store_true", help="make all runs of --out again")
    own.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Compare the tricks that were asked for."""
    if options.fresh and not options.out:
        raise ValueError("--fresh makes the runs of a folder again: it needs --out")
    if options.model == "small_resnet" and (options.pretrained or options.weights):
        raise ValueError(
            "small_resnet has no trained weights: name one of torchvision's networks, such as "
            "--model resnet18"
        )
    if options.model != "small_resnet" and options.model not in model_names():
        near = nearest(options.model, ["small_resnet", *model_names()])
        raise ValueError(f"expected small_resnet or one of torchvision's networks, got {near}")
    is_path = any(separator in options.data for separator in ("/", "\\"))
    if is_path and not Path(options.data).expanduser().is_dir():
        raise ValueError(f"there is no folder {options.data}")
    if not is_path and options.data not in SETS and not Path(options.data).is_dir():
        near = nearest(options.data, SETS)
        raise ValueError(f"there is no folder and no data set ({', '.join(SETS)}) named {near}")
    if options.out:
        _check_writable(options.out)
    if options.workers > 1:
        # Ctrl-C kills the workers, and Python's tracker tells of the semaphores that they leave.
        told = filter(None, (os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker"))
        os.environ["PYTHONWARNINGS"] = ",".join(told)
    from ..practice.studying import Question, answer  # loads torch

    asked = {k: v for k, v in vars(options).items() if k in Question.__dataclass_fields__}
    tricks = trick_names() if options.all else options.tricks
    command = shlex.join(["python", "-m", "tricks_lib", *sys.argv[1:]])
    answer(Question(**asked | {"tricks": tricks, "only_fitting": options.all, "command": command}))


def _check_writable(folder: Path) -> None:
    """Make the folder now: after an hour of training it would be late to find that one cannot.

    Raises:
        OSError: if it cannot be made, or nothing can be written into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"nothing can be written into {folder}: choose another --out")

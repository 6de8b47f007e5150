"""How long each trick takes on a batch, beside its peers and beside one copy of the batch.

Usage: python benchmarks/tricks.py [--only crop cutout] [--repeats 15] [--threads 2] [--page FILE]

Peers are torchvision v2 (image by image where it has no batch form with a draw for each image),
timm, torchaug (with a chunk for each image, so that each has a draw of its own; not on Python 3.13
and later, for which it does not install) and kornia, as it is and under `torch.compile`. Compiling
takes seconds to a minute for each, off the clock; `--eager` leaves it out. All are timed in turns
in one run, each on the same batch, and the median counts; before each timing the same function runs
off the clock.

A peer that writes into its input, marked with *, gets a copy, made outside the clock: so its own
work is compared, without the copy that our functions make; the column "limit" is that copy (and
what else cannot be avoided). Peers that take floats only have no figure for uint8, but for the
policies (AutoAugment and its like), where kornia's (one sub-policy for the whole batch) get floats.
kornia's resized crop has no antialiasing.
The summary at the end has for each row the fastest peer that leaves its input as it is.
"""

import argparse
import io
import platform
import shutil
import statistics
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.benchmark import Timer
from torchvision.transforms import v2

from tricks_lib import (
    RICAP,
    AdaBound,
    AutoAugment,
    ColorShift,
    Compose,
    CutMix,
    Cutout,
    HorizontalFlip,
    Mixup,
    PCAColor,
    RandAugment,
    RandomCrop,
    RandomErasing,
    RandomResizedCrop,
    Rotation,
    TrivialAugment,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kornia.augmentation as kornia
    from timm.data import Mixup as TimmMixup
    from timm.data.random_erasing import RandomErasing as TimmErasing

    try:
        import torchaug.transforms as torchaug
    except ModuleNotFoundError:
        torchaug = None

SHAPES = [(256, 3, 32, 32), (128, 3, 224, 224)]
CLASSES = 10
CALLS_TO_COMPILE = 4
"""Calls before a compiled peer is timed: each other number of images that it treats compiles anew,
until torch takes that number for one that varies."""

BACKEND = "inductor" if any(map(shutil.which, ("g++", "clang++", "cl"))) else "aot_eager"
"""What compiles: on a CPU, torch's own compiler needs one of C++."""


@dataclass
class Row:
    """One trick, its peers, and the least that it has to do."""

    name: str
    ours: Callable
    peers: dict[str, Callable] = field(default_factory=dict)
    limit: Callable = torch.clone
    floats_only: tuple[str, ...] = ("kornia", "kornia compiled")
    dtypes: tuple[torch.dtype, ...] = (torch.uint8, torch.float32)
    mixes: bool = False


def one_by_one(transform):
    """Apply a transform image by image, as a data loader does."""
    return lambda images: torch.stack([transform(image) for image in images])


def of_torchaug(name: str, *arguments, **settings) -> dict[str, Callable]:
    """Return torchaug's transform of that name with a draw for each image, if it is installed."""
    if torchaug is None:
        return {}
    settings |= {"batch_transform": True}
    if name != "RandomHorizontalFlip":  # it has a draw for each image without chunks
        settings["num_chunks"] = -1
    return {"torchaug": getattr(torchaug, name)(*arguments, **settings)}


def compiled(function: Callable) -> Callable:
    """Compile a peer where torch can, and leave the rest of it as it is."""
    return torch.compile(function, backend=BACKEND)


def take_half(images):
    """Copy the batch in another order: what mixing with a partner cannot avoid."""
    return images.index_select(0, torch.arange(len(images) - 1, -1, -1, device=images.device))


def rows(size: int, device: str) -> list[Row]:
    pad = size // 8
    hole = size // 2
    area, aspect = (0.02, 1 / 3), (0.3, 1 / 0.3)
    return [
        Row(
            "crop",
            RandomCrop(pad),
            {
                "torchvision": one_by_one(v2.RandomCrop(size, padding=pad)),
                "kornia": kornia.RandomCrop((size, size), padding=pad, cropping_mode="slice"),
            },
        ),
        Row(
            "mirror",
            HorizontalFlip(),
            {
                "torchvision": one_by_one(v2.RandomHorizontalFlip()),
                "kornia": kornia.RandomHorizontalFlip(),
                **of_torchaug("RandomHorizontalFlip"),
            },
        ),
        Row(
            "crop + mirror",
            Compose(RandomCrop(pad), HorizontalFlip()),
            {
                "torchvision": one_by_one(
                    v2.Compose([v2.RandomCrop(size, padding=pad), v2.RandomHorizontalFlip()])
                ),
                "kornia": kornia.AugmentationSequential(
                    kornia.RandomCrop((size, size), padding=pad, cropping_mode="slice"),
                    kornia.RandomHorizontalFlip(),
                ),
            },
        ),
        Row(
            "rotation",
            Rotation(15),
            {
                "torchvision": one_by_one(v2.RandomRotation(15)),
                "kornia": kornia.RandomRotation(15.0, resample="nearest", p=1.0),
                **of_torchaug("RandomRotation", 15),
            },
        ),
        Row(
            "resized crop",
            RandomResizedCrop(),
            {
                "torchvision": one_by_one(v2.RandomResizedCrop(size)),
                "kornia": kornia.RandomResizedCrop((size, size), align_corners=False),
                **of_torchaug("RandomResizedCrop", size),
            },
        ),
        Row(
            "colour shift",
            ColorShift(0.4, 0.4, 0.4),
            {
                "torchvision": one_by_one(v2.ColorJitter(0.4, 0.4, 0.4)),
                "kornia": kornia.ColorJitter(0.4, 0.4, 0.4, p=1.0),
                **of_torchaug("ColorJitter", 0.4, 0.4, 0.4),
            },
        ),
        Row("PCA colour", PCAColor()),
        Row("cutout", Cutout(hole, fill=0)),
        Row(
            "erasing, constant",
            RandomErasing(1.0, area, aspect, fill=0),
            {
                "torchvision": one_by_one(v2.RandomErasing(1.0, area, aspect)),
                "timm": TimmErasing(1.0, *area, aspect[0], mode="const", device=device),
                "kornia": kornia.RandomErasing(area, aspect, p=1.0),
                **of_torchaug("RandomErasing", 1.0, area, aspect),
            },
        ),
        Row(
            "erasing, noise",
            RandomErasing(1.0, area, aspect),
            {
                "torchvision": one_by_one(v2.RandomErasing(1.0, area, aspect, "random")),
                "timm": TimmErasing(1.0, *area, aspect[0], mode="pixel", device=device),
            },
            floats_only=("timm", "torchvision"),
        ),
        *(
            Row(
                f"AutoAugment {policy.value}",
                AutoAugment(policy.value, fill=0),
                {
                    "torchvision": one_by_one(v2.AutoAugment(policy)),
                    "kornia": kornia.auto.AutoAugment(policy.value),
                },
                dtypes=(torch.uint8,),
            )
            for policy in v2.AutoAugmentPolicy
        ),
        Row(
            "RandAugment",
            RandAugment(fill=0),
            {
                "torchvision": one_by_one(v2.RandAugment()),
                "kornia": kornia.auto.RandAugment(2, 9),
            },
            dtypes=(torch.uint8,),
        ),
        Row(
            "TrivialAugment",
            TrivialAugment(fill=0),
            {
                "torchvision": one_by_one(v2.TrivialAugmentWide()),
                "kornia": kornia.auto.TrivialAugment(),
            },
            dtypes=(torch.uint8,),
        ),
        Row(
            "mixup",
            Mixup(1.0),
            {
                "torchvision": v2.MixUp(alpha=1.0, num_classes=CLASSES),
                "timm": TimmMixup(mixup_alpha=1.0, label_smoothing=0, num_classes=CLASSES),
            },
            limit=take_half,
            dtypes=(torch.float32,),
            mixes=True,
        ),
        Row(
            "cutmix",
            CutMix(),
            {
                "torchvision": v2.CutMix(alpha=1.0, num_classes=CLASSES),
                "timm": TimmMixup(
                    mixup_alpha=0, cutmix_alpha=1.0, label_smoothing=0, num_classes=CLASSES
                ),
            },
            dtypes=(torch.float32,),
            mixes=True,
        ),
        Row("RICAP", RICAP(), limit=take_half, dtypes=(torch.float32,), mixes=True),
    ]


def measure(
    row: Row, images: Tensor, repeats: int, eager: bool = False
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the median milliseconds of each contestant, timed in turns, and which of them write
    into their input."""
    labels = torch.arange(len(images), device=images.device) % CLASSES
    targets = torch.eye(CLASSES, device=images.device)[labels]
    is_bytes = images.dtype == torch.uint8
    contestants = {"limit": row.limit, "ours": row.ours, **row.peers}
    if "kornia" in row.peers and not eager:
        contestants["kornia compiled"] = compiled(row.peers["kornia"])
    if is_bytes and torch.float32 in row.dtypes:
        # A peer without bytes is left out of their table, if the trick has one for floats.
        contestants = {n: f for n, f in contestants.items() if n not in row.floats_only}
    floats = images / 255 if is_bytes else images

    timers, in_place = {}, []
    for name, function in contestants.items():
        batch = floats if name in row.floats_only else images
        arguments = (targets if name == "ours" else labels,) * (row.mixes and name != "limit")
        if name == "kornia compiled":
            torch.compiler.reset()
            for _ in range(CALLS_TO_COMPILE):
                function(batch, *arguments)
        elif writes(function, batch, arguments):
            in_place.append(name)
        timers[name] = Timer(
            "function(given, *arguments)",
            setup="given = batch.clone()" if name in in_place else "given = batch",
            globals={"function": function, "batch": batch, "arguments": arguments},
            num_threads=torch.get_num_threads(),
        )
    # timeit calls twice off the clock, so that none pays for what the one before left behind.
    turns = [{name: timer.timeit(1).mean for name, timer in timers.items()} for _ in range(repeats)]
    times = {name: 1e3 * statistics.median(turn[name] for turn in turns) for name in timers}
    return times, tuple(in_place)


def writes(function: Callable, batch: Tensor, arguments: tuple) -> bool:
    """Tell whether a function changes what it is given: tried, not believed."""
    few, *others = (tensor[:8].clone() for tensor in (batch, *arguments))
    for _ in range(5):  # what is done with a probability may not be done at once
        function(few, *others)
    return not torch.equal(few, batch[:8])


def measure_adabound() -> tuple[int, dict[str, float]]:
    """Count weights, and time a step of AdaBound beside the authors' package and torch's Adam."""
    import adabound

    from tricks_lib import small_resnet

    network = partial(small_resnet, 3, 10, width=64)
    builders = {"ours": AdaBound, "adabound": adabound.AdaBound, "torch Adam": torch.optim.Adam}
    times = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, build in builders.items():
            model = network()
            for parameter in model.parameters():
                parameter.grad = torch.randn_like(parameter)
            timer = Timer(
                "step()",
                globals={"step": build(model.parameters(), lr=1e-3).step},
                num_threads=torch.get_num_threads(),
            )
            times[name] = 1e3 * timer.blocked_autorange(min_run_time=0.5).median
    return sum(parameter.numel() for parameter in network().parameters()), times


def peers_of(times: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in times.items() if name not in ("limit", "ours")}


def report(name: str, times: dict[str, float], markdown: bool, in_place: tuple = ()) -> None:
    factors = [
        f"{peer}{'*' * (peer in in_place)} {value:.2f} ({value / times['ours']:.1f}×)"
        for peer, value in peers_of(times).items()
    ]
    limit = f"{times['limit']:.2f}" if "limit" in times else ""
    cells = [name, limit, f"{times['ours']:.2f}", ", ".join(factors) or "none"]
    if markdown:
        print("|", " | ".join(cells), "|", flush=True)
    else:
        print(f"  {cells[0]:20} {cells[1]:>8} {cells[2]:>8}   {cells[3]}", flush=True)


def fastest(times: dict[str, float], in_place: tuple = ()) -> tuple[float, str] | None:
    """Return how many times as fast ours is as the fastest peer that leaves its input as it is,
    and which peer that is; None if there is no such peer."""
    fair = {name: value for name, value in peers_of(times).items() if name not in in_place}
    if not fair:
        return None
    name = min(fair, key=fair.__getitem__)
    return fair[name] / times["ours"], name


def summarize(ratios: dict[str, tuple[float, str]]) -> None:
    """Say of each row how ours compares with its fastest peer, the worst first."""
    print("\n## Beside the fastest peer that does not write into its input\n")
    print("How many times as fast ours is, the slowest first:\n")
    for row, (ratio, peer) in sorted(ratios.items(), key=lambda item: item[1]):
        print(f"- {ratio:.1f}× {row}: {peer}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", help="parts of the names of the tricks to time")
    parser.add_argument("--repeats", type=int, default=15, help="timings; the median counts")
    parser.add_argument("--threads", type=int, help="CPU threads; by default torch's choice")
    parser.add_argument("--sizes", type=int, nargs="+", help="heights of image: 32, 224")
    parser.add_argument("--page", type=Path, help="file to write as a page of the book")
    parser.add_argument("--eager", action="store_true", help="leave out what torch.compile does")
    arguments = parser.parse_args()
    if not arguments.page:
        measure_all(arguments)
        return
    told = io.StringIO()
    with redirect_stdout(told):
        print(f"# Speed\n\n{WORDS}\n")
        measure_all(arguments)
    # The page is written when all is measured: half of it would be taken for the whole.
    arguments.page.write_text(told.getvalue(), encoding="utf-8")


WORDS = """\
How long each trick takes on a batch, in milliseconds, beside its peers, all timed in turns in one
run: `make bench` writes this page.
A peer is called as its authors mean it: torchvision image by image, where it has no form with a
draw for each image of a batch; torchaug with a chunk for each image; kornia on the whole batch, as
it is and, where the line below says by what, compiled.
The limit is one copy of the batch, or for mixing one gather of it.
A peer marked with * writes into its input; the copy that others make is not in its time.
The machine is a shared one, whose timings move by a factor of two from hour to hour: only the
ratios of one run mean something."""


HEADER = "| trick | limit | ours | peers (times as fast ours is) |\n|---|---:|---:|---|"


def measure_all(arguments):
    """Time what was asked for, and print it."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)

    def wanted(name):
        return not arguments.only or any(part.lower() in name.lower() for part in arguments.only)

    ratios = {}
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        where = f"{processor()}, {torch.get_num_threads()} threads"
        if device == "cuda":
            where = torch.cuda.get_device_name()
        backend = "nothing compiled" if arguments.eager else f"compiled by {BACKEND}"
        print(f"{where}; torch {torch.__version__}, {backend}; medians in ms.")
        if torchaug is None:
            print(f"without torchaug, which is not installed (Python {platform.python_version()})")
        for shape in SHAPES:
            if arguments.sizes and shape[-1] not in arguments.sizes:
                continue
            for dtype in (torch.uint8, torch.float32):
                images = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
                images = images if dtype == torch.uint8 else images / 255
                title = f"{'×'.join(map(str, shape))}, {str(dtype).removeprefix('torch.')}"
                if bool(arguments.page):
                    print(f"\n**{title}**\n\n{HEADER}")
                else:
                    print(f"\n{title}\n  {'trick':20} {'limit':>8} {'ours':>8}   peers")
                for row in rows(shape[-1], device):
                    if dtype in row.dtypes and wanted(row.name):
                        times, in_place = measure(row, images, arguments.repeats, arguments.eager)
                        report(row.name, times, bool(arguments.page), in_place)
                        if ratio := fastest(times, in_place):
                            ratios[f"{row.name}, {device}, {title}"] = ratio
    if wanted("AdaBound"):
        weights, times = measure_adabound()
        print(f"\n**a step of AdaBound, {weights:,} weights**\n")
        if arguments.page:
            print(HEADER)
        report("AdaBound", times, bool(arguments.page))
        if ratio := fastest(times):
            ratios["a step of AdaBound"] = ratio
    summarize(ratios)


def processor() -> str:
    """Return what the processor calls itself."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()

"""How long each trick takes on a batch, beside its peers and beside one copy of the batch.

Usage: python benchmarks/tricks.py [--only crop cutout] [--repeats 15] [--threads 2] [--markdown]

Peers are torchvision v2 (image by image where it has no batch form with a draw for each image),
timm and kornia. All are timed in turns in one run, each on the same batch, and the median counts;
before each timing the same function runs once off the clock.
A peer that writes into its input gets a copy, made outside the clock: so its own work is compared,
without the copy that our functions make; the column "limit" is that copy (and what else cannot be
avoided). Peers that take floats only have no figure for uint8, but for AutoAugment, where kornia's
(one sub-policy for the whole batch) gets floats.
"""

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
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
    RandomCrop,
    RandomErasing,
    Rotation,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kornia.augmentation as kornia
    from timm.data import Mixup as TimmMixup
    from timm.data.random_erasing import RandomErasing as TimmErasing

SHAPES = [(256, 3, 32, 32), (128, 3, 224, 224)]
CLASSES = 10


@dataclass
class Row:
    """One trick, its peers, and the least that it has to do."""

    name: str
    ours: Callable
    peers: dict[str, Callable] = field(default_factory=dict)
    limit: Callable = torch.clone
    floats_only: tuple[str, ...] = ("kornia",)
    in_place: tuple[str, ...] = ()
    dtypes: tuple[torch.dtype, ...] = (torch.uint8, torch.float32)
    mixes: bool = False


def one_by_one(transform):
    """Apply a transform image by image, as a data loader does."""
    return lambda images: torch.stack([transform(image) for image in images])


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
            },
        ),
        Row(
            "colour shift",
            ColorShift(0.4, 0.4, 0.4),
            {
                "torchvision": one_by_one(v2.ColorJitter(0.4, 0.4, 0.4)),
                "kornia": kornia.ColorJitter(0.4, 0.4, 0.4, p=1.0),
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
            },
            in_place=("timm",),
        ),
        Row(
            "erasing, noise",
            RandomErasing(1.0, area, aspect),
            {
                "torchvision": one_by_one(v2.RandomErasing(1.0, area, aspect, "random")),
                "timm": TimmErasing(1.0, *area, aspect[0], mode="pixel", device=device),
            },
            in_place=("timm",),
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
            "mixup",
            Mixup(1.0),
            {
                "torchvision": v2.MixUp(alpha=1.0, num_classes=CLASSES),
                "timm": TimmMixup(mixup_alpha=1.0, label_smoothing=0, num_classes=CLASSES),
            },
            limit=take_half,
            in_place=("timm",),
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
            in_place=("timm",),
            dtypes=(torch.float32,),
            mixes=True,
        ),
        Row("RICAP", RICAP(), limit=take_half, dtypes=(torch.float32,), mixes=True),
    ]


def measure(row: Row, images: Tensor, repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each contestant, timed in turns."""
    labels = torch.arange(len(images), device=images.device) % CLASSES
    targets = torch.eye(CLASSES, device=images.device)[labels]
    is_bytes = images.dtype == torch.uint8
    contestants = {"limit": row.limit, "ours": row.ours}
    for name, peer in row.peers.items():
        # A peer without bytes is left out of their table, if the trick has one for floats.
        if not (is_bytes and name in row.floats_only and torch.float32 in row.dtypes):
            contestants[name] = peer
    times: dict[str, list[float]] = {name: [] for name in contestants}
    floats = images / 255 if is_bytes else images
    for repeat in range(repeats + 2):
        for name, function in contestants.items():
            batch = floats if name in row.floats_only else images
            arguments = [batch.clone() if name in row.in_place else batch]
            if row.mixes and name != "limit":
                arguments.append(targets if name == "ours" else labels)
            function(*arguments)  # so that no contestant pays for what the one before left behind
            wait(images)
            start = time.perf_counter()
            function(*arguments)
            wait(images)
            if repeat >= 2:  # the first calls fill caches
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def measure_adabound(repeats: int) -> tuple[int, dict[str, float]]:
    """Count weights, and time a step of AdaBound beside the authors' package and torch's Adam."""
    import adabound

    from tricks_lib import small_resnet

    def network():
        return small_resnet(3, 10, width=64)

    def stepper(build):
        model = network()
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        return build(model.parameters(), lr=1e-3).step

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = {
            "ours": stepper(AdaBound),
            "adabound": stepper(adabound.AdaBound),
            "torch Adam": stepper(torch.optim.Adam),
        }
        times: dict[str, list[float]] = {name: [] for name in steps}
        for repeat in range(repeats + 2):
            for name, step in steps.items():
                start = time.perf_counter()
                step()
                if repeat >= 2:
                    times[name].append(1e3 * (time.perf_counter() - start))
    weights = sum(parameter.numel() for parameter in network().parameters())
    return weights, {name: statistics.median(values) for name, values in times.items()}


def wait(images: Tensor) -> None:
    if images.device.type == "cuda":
        torch.cuda.synchronize()


def report(name: str, times: dict[str, float], markdown: bool) -> None:
    peers = {key: value for key, value in times.items() if key not in ("limit", "ours")}
    factors = [f"{key} {value:.2f} ({value / times['ours']:.1f}×)" for key, value in peers.items()]
    limit = f"{times['limit']:.2f}" if "limit" in times else ""
    cells = [name, limit, f"{times['ours']:.2f}", ", ".join(factors) or "none"]
    if markdown:
        print("|", " | ".join(cells), "|", flush=True)
    else:
        print(f"  {cells[0]:20} {cells[1]:>8} {cells[2]:>8}   {cells[3]}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", help="parts of the names of the tricks to time")
    parser.add_argument("--repeats", type=int, default=15, help="timings; the median counts")
    parser.add_argument("--threads", type=int, help="CPU threads; by default torch's choice")
    parser.add_argument("--sizes", type=int, nargs="+", help="heights of image: 32, 224")
    parser.add_argument("--markdown", action="store_true", help="print tables for the README")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)

    def wanted(name):
        return not arguments.only or any(part.lower() in name.lower() for part in arguments.only)

    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        where = f"{processor()}, {torch.get_num_threads()} threads"
        if device == "cuda":
            where = torch.cuda.get_device_name()
        print(f"{where}; torch {torch.__version__}; medians in ms")
        for shape in SHAPES:
            if arguments.sizes and shape[-1] not in arguments.sizes:
                continue
            for dtype in (torch.uint8, torch.float32):
                images = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
                images = images if dtype == torch.uint8 else images / 255
                title = f"{'×'.join(map(str, shape))}, {str(dtype).removeprefix('torch.')}"
                if arguments.markdown:
                    print(
                        f"\n**{title}**\n\n| trick | limit | ours | peers (times as fast ours is) |"
                    )
                    print("|---|---:|---:|---|")
                else:
                    print(f"\n{title}\n  {'trick':20} {'limit':>8} {'ours':>8}   peers")
                for row in rows(shape[-1], device):
                    if dtype in row.dtypes and wanted(row.name):
                        times = measure(row, images, arguments.repeats)
                        report(row.name, times, arguments.markdown)
    if wanted("AdaBound"):
        weights, times = measure_adabound(arguments.repeats)
        print(f"\na step of AdaBound, {weights:,} weights\n")
        report("AdaBound", times, arguments.markdown)


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

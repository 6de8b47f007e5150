"""How long the data path takes beside the training itself, on this machine.

Usage: python benchmarks/data_path.py [--data fashion-mini] [--batch-size 128] [--repeats 25]

The data path is what `fit` does before the network: gather a batch from the images in memory, with
its target rows; augment; normalise; mix; put into the memory format that convolutions want. The
update is forward, backward and optimizer step. Both are timed in turns, on as many batches each,
with the recipe's own defaults, so no trick is in it.
"""

import argparse
import platform
import statistics
import time
from itertools import islice

import torch

from tricks_lib import Recipe, load_data
from tricks_lib.lab.steps import Training, batches


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mini", help="name or folder of the data set")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--batches", type=int, default=20, help="in one timing")
    parser.add_argument("--repeats", type=int, default=25, help="timings")
    parser.add_argument("--threads", type=int, help="CPU threads; by default torch's choice")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    data = load_data(arguments.data)
    recipe = Recipe(batch_size=arguments.batch_size)
    print(f"{data}\n{recipe.batch_size} images in a batch, torch {torch.__version__}\n")
    devices = [torch.device("cpu")]
    if torch.cuda.is_available():
        devices.append(torch.device("cuda"))
    for device in devices:
        report(device, *measure(recipe, data.to(device), arguments.batches, arguments.repeats))


def measure(recipe, data, count, repeats):
    """Return seconds per batch of the data path and of the update, one pair per repetition."""
    training = Training(recipe, data, device=data.device)
    training.model.train()

    def prepare():
        dealt = islice(batches(training.data, recipe.batch_size, training.order), count)
        return [training.prepare(*batch) for batch in dealt]

    def update(ready):
        for batch in ready:
            training.update(*batch)

    for _ in range(3):  # first calls choose kernels and ask for memory
        update(prepare())
    pairs = []
    for _ in range(repeats):
        seconds, ready = timed(data.device, prepare)
        pairs.append((seconds / len(ready), timed(data.device, update, ready)[0] / len(ready)))
    return zip(*pairs, strict=True)


def timed(device, function, *arguments):
    """Return the seconds that a call takes, device included, and its result."""
    wait(device)
    start = time.perf_counter()
    result = function(*arguments)
    wait(device)
    return time.perf_counter() - start, result


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def report(device, path, update):
    name = f"CPU, {torch.get_num_threads()} threads, {platform.machine()}"
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    print(name)
    shares = [100 * ours / theirs for ours, theirs in zip(path, update, strict=True)]
    for label, values, unit in (
        ("data path", [1e6 * seconds for seconds in path], "µs a batch"),
        ("update", [1e6 * seconds for seconds in update], "µs a batch"),
        ("data path / update", shares, "%"),
    ):
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"  {label:20} {middle:9.2f} {unit} (quartiles {low:.2f} to {high:.2f})")
    print()


if __name__ == "__main__":
    main()

"""The runs of a study on more than one machine: tasks of a Ray cluster.

Ray (https://docs.ray.io) sends each run to a machine with a free processor, makes those again that
are lost with a machine, and keeps the data of a seed where all its runs find it.

Chapter: notebooks/20_own_images.ipynb
"""

import functools
import hashlib
import logging
import os
import re
import socket
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Cluster", "sources"]

TRIES = 4
"""How often a run is made that is lost each time, with its machine or its process."""

PACKAGE = Path(__file__).parents[2]


@functools.cache
def sources() -> str:
    """Return a hash of the source of this package, which is to be the same on all machines."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster, and what a run takes of it.

    A connection that the program has made by itself (`ray.init`) is used, and left open.

    Args:
        address: of the cluster: "auto" for the one that this machine belongs to, "HOST:PORT",
            "ray://HOST:PORT" from outside of it; or "local" for one on this machine alone, which is
            started for as long as it is needed.
        cpus: processors that a run takes.
        side_by_side: runs that share a GPU, where they take one.
    """

    address: str
    cpus: int = 1
    side_by_side: int = 1

    def ask(self, function: Callable[..., Any], *arguments: Any, gpu: bool | None) -> Any:
        """Call a function on one of the machines.

        Args:
            function: what to call.
            *arguments: its arguments.
            gpu: whether it is to have a GPU; None if there is one.
        """
        with self._connected() as ray, _plain_errors(ray, "a question"):
            task = ray.remote(_call).options(**self._share(ray, gpu))
            return ray.get(task.remote(function, *arguments))

    def all(
        self,
        run: Callable[..., Any],
        tasks: Iterable[tuple[str, int, Any]],
        data: Any,
        *,
        gpu: bool | None,
    ) -> Iterator[Any]:
        """Yield what came of every task as soon as it is over; left early, it stops the others.

        Args:
            run: makes a run: (data, arm, seed, recipe) -> what came of it.
            tasks: arm, seed and recipe of each.
            data: what it is made on; a function, seed -> data, is called once for each seed, on one
                of the machines. Either way it is sent once to each machine that needs it.
            gpu: whether a run is to have a GPU; None if there is one.

        Raises:
            ChildProcessError: if a run was lost time and again.
        """
        with self._connected() as ray:
            remote = ray.remote(_call).options(**self._share(ray, gpu))
            made = ray.remote(_call).options(num_cpus=1, max_retries=TRIES - 1)
            called = ray.put(run)
            # What a task refers to is kept for it; that of seeds that are over is let go.
            of_all = None if callable(data) or data is None else ray.put(data)
            shown: dict[int, Any] = {}
            waiting, running = deque(tasks), dict[Any, tuple[str, int]]()
            try:
                while waiting or running:
                    room = 2 * int(ray.cluster_resources().get("CPU", 1) / self.cpus) + 2
                    while waiting and len(running) < room:
                        arm, seed, recipe = waiting.popleft()
                        if callable(data) and seed not in shown:
                            shown = {seed: made.remote(data, seed)}
                        task = remote.remote(called, shown.get(seed, of_all), arm, seed, recipe)
                        running[task] = (arm, seed)
                    over, _ = ray.wait(list(running), num_returns=1, timeout=5.0)
                    for task in over:
                        arm, seed = running.pop(task)
                        with _plain_errors(ray, f"the run of {arm!r}, seed {seed}"):
                            found = ray.get(task)
                        yield found
            finally:
                for task in running:
                    ray.cancel(task, force=True)

    def _share(self, ray: ModuleType, gpu: bool | None) -> dict[str, Any]:
        """Return what a run takes, and how often it is tried."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpu = any(node.get("GPU") for node in nodes) if gpu is None else gpu
        share = {"num_cpus": self.cpus, "num_gpus": 1 / self.side_by_side if gpu else 0}
        # One that scales by itself may have such a machine later.
        if not any(
            node.get("CPU", 0) >= self.cpus and node.get("GPU", 0) >= share["num_gpus"]
            for node in nodes
        ):
            needed = f"{self.cpus} CPUs" + " and a GPU" * gpu
            warnings.warn(
                f"no machine of the Ray cluster has {needed} for a run: it waits for one",
                stacklevel=2,
            )
        return share | {"max_retries": TRIES - 1}

    @contextmanager
    def _connected(self) -> Iterator[ModuleType]:
        """Connect, unless the program is connected already, and say nothing while it goes well.

        Raises:
            ValueError: if Ray is not installed.
            ConnectionError: if there is no cluster at the address.
        """
        ray = _library()
        if ray.is_initialized():
            yield ray
            return
        _knock(self.address)
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            options |= {"include_dashboard": False}
        try:
            ray.init(self.address, **options)
        except Exception as error:  # each way of connecting refuses in its own
            reason = str(error).strip().partition("\n")[0]
            raise ConnectionError(
                f"cannot reach a Ray cluster at {self.address!r}: {reason}"
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _library() -> ModuleType:
    try:
        return import_module("ray")
    except ImportError as error:
        raise ValueError(
            "a study on a cluster needs Ray, which is not installed: "
            "run `pip install 'tricks-lib[ray]'`"
        ) from error


def _knock(address: str) -> None:
    """Try the door of an address with a port: Ray itself would wait for minutes.

    Raises:
        ConnectionError: if nobody is there.
    """
    match = re.fullmatch(r"(?:ray://)?\[?([^/\]]+)\]?:(\d+)", address)
    if not match:
        return
    try:
        socket.create_connection((match[1], int(match[2])), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"cannot reach a Ray cluster at {address!r}: {error}") from error


@contextmanager
def _plain_errors(ray: ModuleType, what: str) -> Iterator[None]:
    """Raise the error of a task as if it had happened here; of a lost one, tell it in a line."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, Exception) and not isinstance(cause, ray.exceptions.RayError):
            raise cause from error
        told = str(cause or error).strip().splitlines()
        raise ValueError(f"{what} failed on its machine: {told[-1] if told else error}") from error
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:300]
        raise ChildProcessError(
            f"{what} was lost with its machine or process, {TRIES} times ({reason}). The finished "
            "runs are kept if a file was named, and the same call goes on from there"
        ) from error

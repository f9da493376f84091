"""The Mapper seam on Ray: a pool of actors, each a process that keeps what it has loaded (an encoder, say)."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

from heedful import errors
from heedful.errors import BadInput, HeedfulError, Missing, Upstream, first_line

A = TypeVar("A")
B = TypeVar("B")

LOCAL = "local"
AHEAD = 3  # items a worker that are under way or done and not yet asked for: what bounds memory
AHEAD_WAITING = 8  # the same for each thread, of workers that have several
PATIENCE = 120.0  # seconds without any living worker
ATTEMPTS = 5  # workers that one item may lose
_STORE = 400 * 2**20  # bytes of shared memory of a local Ray
_ADDRESS = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_log = logging.getLogger("heedful.scale")


def is_address(text: str) -> bool:
    """Whether a word of the command line says where Ray is: `local`, `auto` or HOST:PORT."""
    return text in (LOCAL, "auto") or _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Failed:
    """An error of ours that a function raised; travels as a value, since errors with arguments of their own do not."""

    kind: str
    message: str


class _Actor:
    """What runs in a worker process.

    A function arrives once, so what it opens for itself stays open for all of its items.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._function: tuple[Any, Callable[[Any], Any]] | None = None

    def ready(self) -> str:
        """Where it is."""
        return f"process {os.getpid()} on {socket.gethostname()}"

    def run(self, reference: list[Any], item: Any) -> Any:
        """Fn of the item. reference: to fn, in a list, or Ray would send fn itself."""
        try:
            return self._known(reference[0])(item)
        except HeedfulError as error:
            where = f"worker on {socket.gethostname()}: " if isinstance(error, Missing) else ""
            return _Failed(type(error).__name__, f"{where}{error}")

    def _known(self, reference: Any) -> Callable[[Any], Any]:
        with self._lock:
            if self._function is None or self._function[0] != reference:
                self._function = reference, _ray().get(reference)
            return self._function[1]


@dataclass(eq=False)
class _Worker:
    """alone: it is at a job that two workers died over, and gets no other meanwhile."""

    actor: Any
    load: int = 0
    alone: bool = False


@dataclass(eq=False)
class _Job:
    """attempts: workers that were lost with it."""

    item: Any
    call: _Call
    attempts: int = 0
    done: bool = False
    value: Any = None


@dataclass(eq=False)
class _Call:
    """One `map`: its jobs in order, those of them that are to be sent, and what ended it early.

    closed: nobody asks for its results any more; what workers are at, they finish.
    """

    waiting: deque[_Job] = field(default_factory=deque)
    unsent: deque[_Job] = field(default_factory=deque)
    error: BaseException | None = None
    closed: bool = False


@dataclass(eq=False)
class _Pool:
    """The workers that answer, those that are starting, and what each is doing."""

    ready: list[_Worker] = field(default_factory=list)
    starting: dict[Any, _Worker] = field(default_factory=dict)
    running: dict[Any, tuple[_Worker, _Job]] = field(default_factory=dict)
    failed: int = 0  # starts


class RayMapper:
    """A `Mapper` over Ray; use it as a context manager.

    address: "local" starts Ray here and stops it in the end; "auto" or HOST:PORT joins the cluster that this machine
    is part of. workers: processes; one a GPU where the cluster has any, else one a CPU; fewer share the CPUs out among
    them. threads: items that a worker is at together, for work that waits on the network. gpus: whether a worker takes
    one. A worker that dies (or whose machine goes) is replaced and its items are given to others; results come in
    order, and at most `AHEAD` items a worker (`AHEAD_WAITING` a thread) are held. Raises Missing without the extra,
    Upstream where no cluster answers or no worker is left.
    """

    def __init__(self, address: str = LOCAL, *, workers: int | None = None, threads: int = 1, gpus: bool = True):
        if workers is not None and workers < 1:
            raise BadInput(f"{workers} workers; at least 1 is needed")
        if not is_address(address):
            raise BadInput(f"--ray {address!r}: expected local, auto or HOST:PORT")
        self._ray = _ray()
        self._started = not self._ray.is_initialized()
        if self._started:
            _connect(self._ray, address, workers)
        available = self._ray.cluster_resources()
        self._gpus = int(available.get("GPU", 0)) if gpus else 0
        self.workers = workers or self._gpus or int(available.get("CPU", 1)) or 1
        free = int(self._ray.available_resources().get("CPU", 1))  # others may be at work here
        self._most_cores = max(1, free // self.workers)
        self._threads = threads
        self._ahead = self.workers * (AHEAD if threads == 1 else AHEAD_WAITING * threads)
        self._pool = _Pool()
        for _ in range(self.workers):
            self._start_worker()

    def __enter__(self) -> RayMapper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, and Ray where it was started here."""
        for worker in [*self._pool.ready, *self._pool.starting.values()]:
            self._ray.kill(worker.actor)
        self._pool = _Pool()
        if self._started:
            self._ray.shutdown()

    def map(self, fn: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Fn of each item, in order; fn is a function of a module that the workers can import."""
        function = self._ray.put(fn)
        source = iter(items)
        call, more = _Call(), True
        waiting = call.waiting
        try:
            while True:
                while more and len(waiting) < self._ahead:
                    for item in source:
                        waiting.append(_Job(item, call))
                        call.unsent.append(waiting[-1])
                        break
                    else:
                        more = False
                while waiting and waiting[0].done:
                    yield waiting.popleft().value
                if not waiting and not more:
                    return
                if all(job.done for job in waiting) and more:
                    continue
                if call.error is None:  # another map may have heard of it
                    self._send(function, call.unsent)
                    self._collect()
                if call.error is not None:
                    raise call.error
        finally:
            self._abandon(call)

    def _start_worker(self) -> None:
        machines = [int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"]]  # some may go
        cores = min(self._most_cores, cores_each(machines, self.workers))
        options = {"num_cpus": cores, "num_gpus": 1 if self._gpus else 0, "max_restarts": 0}
        options["max_concurrency"] = self._threads
        actor = self._ray.remote(**options)(_Actor).remote()
        self._pool.starting[actor.ready.remote()] = _Worker(actor)

    def _send(self, function: Any, unsent: deque[_Job]) -> None:
        """Give jobs to the workers with the least to do, one more than it has threads: the next is there at once.

        A job that was there when two workers died gets one for itself: no other is blamed for what it does.
        """
        while unsent:
            free = [worker for worker in self._pool.ready if not worker.alone]
            worker = min(free, key=lambda worker: worker.load, default=None)
            alone = unsent[0].attempts > 1
            if worker is None or worker.load > (0 if alone else self._threads):
                return
            job = unsent.popleft()
            worker.load += 1
            worker.alone = alone
            self._pool.running[worker.actor.run.remote([function], job.item)] = worker, job

    def _collect(self) -> None:
        """Wait for something to happen, in whichever map."""
        pool, deadline = self._pool, time.monotonic() + PATIENCE
        while True:
            awaited = [*pool.running, *pool.starting]
            if not awaited:
                raise Upstream("Ray has no worker left; run the same command again")
            done, _ = self._ray.wait(awaited, num_returns=1, timeout=1.0)
            if done:
                break
            if not pool.ready and time.monotonic() > deadline:
                raise Upstream(
                    f"Ray gave no worker for {PATIENCE:.0f} s; free a CPU{' and a GPU' if self._gpus else ''} of the "
                    "cluster, or ask for fewer workers"
                )
        reference = done[0]
        if reference in pool.starting:
            worker = pool.starting.pop(reference)
            try:
                _log.info("worker: %s", self._ray.get(reference))
            except self._ray.exceptions.RayError as error:  # its machine may have gone meanwhile
                pool.failed += 1
                if pool.failed >= ATTEMPTS * self.workers:
                    raise Upstream(f"Ray workers cannot start: {first_line(error)}") from error
                self._start_worker()
                return
            pool.ready.append(worker)
            return
        worker, job = pool.running.pop(reference)
        worker.load -= 1
        worker.alone = False
        try:
            value = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # fn raised something that is not ours
            job.call.error = error.as_instanceof_cause()
            return
        except self._ray.exceptions.TaskCancelledError:  # of a map that was closed
            return
        except self._ray.exceptions.RayError as error:
            self._lost(worker, job, error)
            return
        if isinstance(value, _Failed):
            job.call.error = _again(value)
            return
        job.done, job.value, job.item = True, value, None

    def _lost(self, worker: _Worker, job: _Job, error: BaseException) -> None:
        """A worker is gone: replace it, and do its job again."""
        if worker in self._pool.ready:
            self._pool.ready.remove(worker)
            self._start_worker()
        if job.call.closed:
            return
        job.attempts += 1
        if job.attempts >= ATTEMPTS:
            job.call.error = Upstream(
                f"an item was given up after {ATTEMPTS} workers died over it ({first_line(error)}); the likely reason "
                "is memory: use fewer workers"
            )
            job.call.error.__cause__ = error
            return
        _log.warning("a worker is gone (%s); its work is done again", first_line(error))
        job.call.unsent.appendleft(job)

    def _abandon(self, call: _Call) -> None:
        """Nobody asks for the rest of a map; what a worker is at, it finishes, and counts as busy until then."""
        call.closed = True
        for reference, (_, job) in self._pool.running.items():
            if job.call is call:
                self._ray.cancel(reference)


def cores_each(machines: Sequence[int], workers: int) -> int:
    """The most cores that each worker can have, so that so many workers fit on machines with these cores; at least 1.

    Ray tells a worker's numerical libraries (by OMP_NUM_THREADS) to use as many threads.
    """
    for cores in range(max(machines, default=1), 1, -1):
        if sum(machine // cores for machine in machines) >= workers:
            return cores
    return 1


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise Missing("Ray is not installed; pip install 'heedful[scale]'") from error
    return ray


def _cores_here() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _connect(ray: Any, address: str, workers: int | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    try:
        if address == LOCAL:
            os.environ.setdefault("RAY_worker_niceness", "0")  # these workers are all there is to the command
            cores = None if workers is None else max(workers, _cores_here())
            ray.init(address="local", num_cpus=cores, object_store_memory=_STORE, **quiet)
            return
        if match := _ADDRESS.fullmatch(address):
            with socket.create_connection((match["host"].strip("[]"), int(match["port"])), timeout=5):
                pass  # Ray itself would try for minutes
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, OverflowError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        if "AuthToken" in f"{error} {error.__cause__}":
            raise Missing(
                f"--ray {address}: this cluster asks for a token and none, or another, was given; set "
                "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN to what the cluster was started with"
            ) from error
        raise Upstream(
            f"--ray {address}: no Ray cluster answers ({first_line(error)}); start one with `ray start --head`, and "
            "give the HOST:PORT that it prints, or --ray alone for this machine"
        ) from error


def _again(failed: _Failed) -> HeedfulError:
    """The error as it was raised in the worker; those with arguments of their own come back with their message."""
    kind = getattr(errors, failed.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, HeedfulError)):
        kind = HeedfulError
    error: HeedfulError = kind.__new__(kind)
    Exception.__init__(error, failed.message)
    return error

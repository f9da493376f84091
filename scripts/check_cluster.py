"""Break a cluster of two nodes while it builds, and compare what it made with a local build.

Starts two Ray nodes on this machine (one CPU each) and an S3 emulator, and builds the same index eight times, to a
bucket and to a folder: driver killed and started again; a worker killed while it encodes; a worker killed between
writing a fragment and entering it in the ledger; a node removed. Encodes by hashed words (`HashEncoder`), since
encoding is not what is tried here. Files of JSON lines are read by the workers, packed ones by the driver.

    python scripts/check_cluster.py SOURCE... [--only driver/bucket node/folder ...]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from heedful.corpus import CorpusFiles
from heedful.encode import HashEncoder
from heedful.index import Index, build_index
from heedful.scale import RayMapper, build_in_shards, shards
from heedful.scale.shards import Shard

PORT = 6399
SECOND = "HEEDFUL_CHECK_SECOND_NODE"
MOMENTS, PLACES = ("driver", "encoding", "writing", "node"), ("bucket", "folder")
BUILDS = [f"{moment}/{place}" for moment in MOMENTS for place in PLACES]


class Breaking:
    """A mapper during whose third shard something happens, once."""

    def __init__(self, mapper: RayMapper, moment: str, mark: Path):
        self._mapper, self._moment, self._mark = mapper, moment, mark

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """As the mapper's."""
        return self._mapper.map(partial(break_once, fn, self._moment, str(self._mark)), items)


def break_once(fn: Callable[[Any], Any], moment: str, mark: str, shard: Any) -> Any:
    if (
        moment == "driver"
        or not isinstance(shard, Shard)
        or shard.number < 3
        or (moment == "node" and SECOND not in os.environ)
    ):
        return fn(shard)
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return fn(shard)
    if moment == "encoding":
        HashEncoder.encode_documents = lambda self, documents: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore
    elif moment == "writing":
        shards.write_sealed = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    else:
        os.kill(os.getppid(), signal.SIGKILL)  # the raylet: its node is gone, this worker with it
        time.sleep(60)
    return fn(shard)


def build(place: str, moment: str, mark: Path, sources: list[Path]) -> None:
    read = CorpusFiles(sources, skip_bad=True)
    with RayMapper(f"127.0.0.1:{PORT}", workers=2) as mapper:

        def tell(done: int, already: int) -> None:
            if moment == "driver" and done > 4096 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        report = build_in_shards(read, place, HashEncoder(64), Breaking(mapper, moment, mark), progress=tell)
    told = {"documents": report.documents, "already": report.already, "skipped": read.report.skipped}
    print(json.dumps({**told, "seconds": round(report.seconds, 1)}))


def node(*arguments: str) -> subprocess.Popen[bytes]:
    ray = str(Path(sys.executable).with_name("ray"))
    command = [ray, "start", "--block", "--num-cpus=1", "--object-store-memory=200000000", "--disable-usage-stats"]
    environment = os.environ if "--head" in arguments else {**os.environ, SECOND: "1"}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, *arguments], env=environment, **silent)


def head() -> subprocess.Popen[bytes]:
    started = node("--head", f"--port={PORT}", "--include-dashboard=false")
    for _ in range(240):
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return started
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the head of the cluster did not start")


def answers(place: Path | str) -> tuple[Any, ...]:
    index = Index.open(place)
    rng = np.random.default_rng(0)
    some = [index.ids[at] for at in rng.choice(len(index), 20, replace=False)]
    block = index.vectors(some)
    found = [[(hit.id, hit.score) for hit in index.search(row, 50)] for row in block.whole]
    texts = [[(hit.id, hit.score) for hit in index.search_text(d.title, 50)] for d in index.documents(some)]
    return index.ids, len(set(index.ids)), index.manifest.digest, found, texts, block.sentences.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--only", nargs="+", choices=BUILDS, default=BUILDS, metavar="MOMENT/PLACE")
    parser.add_argument("--build", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.build:
        build(given.build[0], given.build[1], Path(given.build[2]), given.sources)
        return
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "RAY_worker_niceness": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # of these nodes only, for as long as they run
    }
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="bucket")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEEDFUL_CACHE"] = f"{scratch}/cache"
        began = time.monotonic()
        read = CorpusFiles(given.sources, skip_bad=True)
        made = build_index(read(), f"{scratch}/local", HashEncoder(64))
        print(f"local: {made.documents} documents, {read.report.skipped} skipped, {time.monotonic() - began:.0f} s")
        expected = answers(f"{scratch}/local")
        nodes = [head()]
        try:
            for moment, kind in (name.split("/") for name in given.only):
                place = f"s3://bucket/{moment}" if kind == "bucket" else f"{scratch}/{moment}"
                if len(nodes) < 2 or nodes[-1].poll() is not None:  # the second, or the one in place of the removed one
                    nodes.append(node(f"--address=127.0.0.1:{PORT}"))
                    time.sleep(15)
                mark = f"{scratch}/{moment}-{kind}.mark"
                command = [sys.executable, __file__, *map(str, given.sources), "--build", place, moment, mark]
                runs = [subprocess.run(command, stdout=subprocess.PIPE, text=True)]
                if runs[0].returncode == -signal.SIGKILL:
                    runs.append(subprocess.run(command, stdout=subprocess.PIPE, text=True))
                same = answers(place) == expected
                verdict = "equal to the local build" if same else "DIFFERS"
                print(f"{moment:9} {kind:6} {verdict}; {runs[-1].stdout.strip()}", flush=True)
                print(f"                 broken: {Path(mark).exists()}, runs: {len(runs)}", flush=True)
        finally:
            for started in reversed(nodes):
                started.terminate()
            server.stop()


if __name__ == "__main__":
    main()

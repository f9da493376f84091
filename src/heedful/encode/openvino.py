"""The model through OpenVINO: the fastest way on CPUs that multiply bfloat16."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heedful.cache import cache_folder
from heedful.encode.backends import Sums
from heedful.errors import Missing

if TYPE_CHECKING:
    from heedful.encode.backends import Batch
    from heedful.encode.weights import ModelFiles

_log = logging.getLogger("heedful.encode")
_GRAPH = 1  # raise when the module that is converted changes its meaning
_KERNELS = 100  # kept per operation; without a bound memory grows with every new shape of a long stream


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return find_spec("openvino") is not None


def _openvino() -> Any:
    """The library, without the part of it that reports its use over the network."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return import_module("openvino")


class OpenVinoBackend:
    """A converted `OnePass` module, one graph without and one with the labeller, each made when first needed.

    Converted graphs are kept in the cache folder under the digests of the weights, so later starts only read them.
    """

    name = "openvino"
    budget = 4096
    multiple = 8  # kernels are made for every shape that is met: fewer shapes, fewer kernels

    def __init__(self, files: ModelFiles, labeller: Any | None = None, *, dtype: str = "auto"):
        if not has_openvino():
            raise Missing(
                "backend 'openvino' is not installed; pip install 'heedful[openvino]', or use backend=\"torch\""
            )
        if dtype == "auto":
            openvino = _openvino()
            capable = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            dtype = "bfloat16" if "BF16" in capable else "float32"
        self.dtype = dtype
        self.dim = int(files.config["hidden_size"])
        self._files, self._labeller = files, labeller
        self._compiled: dict[bool, Any] = {}
        self._lock = threading.Lock()
        self._requests = threading.local()

    def run(self, batch: Batch, label: bool) -> Sums:
        """Sums over tokens, and the labeller's probabilities where asked for."""
        inputs = [batch.ids, batch.mask, batch.pool]
        if label:
            inputs += [batch.sentence, batch.n_sentences]
        outputs = self._request(label).infer(inputs, share_inputs=True)
        return Sums(outputs[0], outputs[1] if label else None)

    def release(self) -> None:
        """Let go of the compiled graphs."""
        with self._lock:
            self._compiled = {}
            self._requests = threading.local()

    def _request(self, label: bool) -> Any:
        requests = self._requests.__dict__.setdefault("by_label", {})
        if label not in requests:
            with self._lock:
                if label not in self._compiled:
                    self._compiled[label] = self._compile(label)
            requests[label] = self._compiled[label].create_infer_request()
        return requests[label]

    def _compile(self, label: bool) -> Any:
        openvino = _openvino()

        precision = {"bfloat16": "bf16", "float32": "f32"}[self.dtype]
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "CPU_RUNTIME_CACHE_CAPACITY": _KERNELS,
        }
        if threads := _threads():
            settings["INFERENCE_NUM_THREADS"] = threads
            settings["ENABLE_CPU_PINNING"] = False  # else every process of a machine takes the same cores
        return openvino.compile_model(self._graph(label), "CPU", settings)

    def _graph(self, label: bool) -> Any:
        openvino = _openvino()

        parts = (
            _GRAPH,
            version("openvino"),
            self._files.digest,
            self._labeller.digest if label and self._labeller else "",
        )
        key = hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
        folder = cache_folder() / "openvino" / key
        try:
            return openvino.Core().read_model(folder / "model.xml")
        except RuntimeError:  # not there, or damaged: make it again
            model = self._convert(label)
            _keep(model, folder)
            return model

    def _convert(self, label: bool) -> Any:
        openvino = _openvino()
        import torch

        from heedful.encode.modules import load_module

        module = load_module(self._files, self._labeller if label else None)
        ids = torch.ones(2, 8, dtype=torch.int64)
        example = [ids, ids, torch.ones(2, 3, 8)]
        if label:
            example += [torch.tensor([[-1, 0, 0, 0, 1, 1, 1, -1]] * 2), torch.tensor([2, 1])]
        _log.info("converting %s for OpenVINO, once", self._files.name)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            model = openvino.convert_model(module, example_input=tuple(example))
        for port, tensor in zip(model.inputs, example, strict=True):
            port.get_node().set_partial_shape(openvino.PartialShape([-1] * tensor.dim()))
        model.validate_nodes_and_infer_types()
        return model


def _threads() -> int | None:
    """How many threads this process is to use, as other numerical libraries are told; None: one a core."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isascii() and said.isdigit() and int(said) > 0 else None


def _keep(model: Any, folder: Path) -> None:
    """Write a graph beside its place and rename it into it; a cache that cannot be written only costs time."""
    openvino = _openvino()

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            openvino.save_model(model, made / "model.xml", compress_to_fp16=False)
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except (OSError, RuntimeError) as error:
        _log.info("the converted model is not kept: %s", error)

"""From a name to an encoder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from heedful.corpus.aspects import SCIENCE, AspectScheme
from heedful.encode.backends import has_cuda
from heedful.encode.labels import unit_rows
from heedful.encode.onepass import LabelSource, OnePassEncoder
from heedful.encode.passages import Tokens
from heedful.encode.weights import DEFAULT_SHA256, ModelFiles, find_model
from heedful.errors import BadInput

if TYPE_CHECKING:
    from heedful.encode.backends import Backend, Floats

BACKENDS = ("auto", "torch", "torch-float32", "openvino", "openvino-float32")
_log = logging.getLogger("heedful.encode")


def load_encoder(
    name: str | None = None,
    *,
    labels: LabelSource = "auto",
    scheme: AspectScheme = SCIENCE,
    backend: str = "auto",
) -> OnePassEncoder:
    """The encoder of a name: none for the default model, a local folder, or a hub name.

    labels: "data" takes the labels that came with the sentences, "predicted" always the package's own, "auto" the
    data's where every sentence of a document has one. scheme: the aspects; one with definitions of its own needs no
    training. Another model than the default one is labelled by the default one, in a second pass. backend: one of
    "auto", "torch", "torch-float32", "openvino", "openvino-float32".

    Raises Missing where there is no such model or backend, Mismatch where its files are damaged, BadInput for another
    option.
    """
    if labels not in get_args(LabelSource):
        raise BadInput(f"labels={labels!r}; expected one of {', '.join(get_args(LabelSource))}")
    if backend not in BACKENDS:
        raise BadInput(f"backend={backend!r}; expected one of {', '.join(BACKENDS)}")
    files = find_model(name)
    tokens = Tokens(files.folder, _max_tokens(files))
    trained = labels != "data" and scheme == SCIENCE
    home = files if not trained or files.base == DEFAULT_SHA256 else find_model()  # whose labeller it is
    labeller = _labeller() if trained else None
    engine = _backend(files, labeller if home is files else None, backend)
    label_with = None
    if home is not files:
        assert labeller is not None
        label_with = OnePassEncoder(
            home,
            Tokens(home.folder),
            _backend(home, labeller, backend),
            scheme,
            labels="predicted",
            label_names=labeller.labels,
        )
    prototypes = None
    if labels != "data" and not trained:
        plain = OnePassEncoder(files, tokens, engine, scheme, labels="data")
        prototypes = _prototypes(plain, scheme)
    _log.info("encoder %s by %s %s", files.name, engine.name, engine.dtype)
    return OnePassEncoder(
        files,
        tokens,
        engine,
        scheme,
        labels=labels,
        label_names=() if labeller is None else labeller.labels,
        labeller_digest="" if labeller is None else labeller.digest,
        prototypes=prototypes,
        label_with=label_with,
    )


def _max_tokens(files: ModelFiles) -> int:
    """512, or less where the model has fewer positions."""
    places = int(files.config.get("max_position_embeddings", 512))
    if files.config.get("model_type") in {"roberta", "xlm-roberta", "mpnet", "camembert"}:
        places -= 2  # these count positions from the padding id
    return min(512, places)


def _labeller() -> Any:
    from heedful.encode.labeller import AspectLabeller

    return AspectLabeller.load()


def _backend(files: ModelFiles, labeller: Any | None, backend: str) -> Backend:
    """The named backend; "auto": CUDA where there is one, OpenVINO where it is installed, else torch."""
    from heedful.encode.backends import TorchBackend
    from heedful.encode.openvino import OpenVinoBackend, has_openvino

    dtype = "float32" if backend.endswith("float32") else "auto"
    if backend.startswith("openvino"):
        return OpenVinoBackend(files, labeller, dtype=dtype)
    if backend == "auto" and has_openvino() and files.base == DEFAULT_SHA256 and not has_cuda():
        return OpenVinoBackend(files, labeller, dtype=dtype)
    return TorchBackend(files, labeller, dtype=dtype)


def _prototypes(encoder: OnePassEncoder, scheme: AspectScheme) -> Floats:
    """(aspects, dim): the mean of each aspect's definition and example vectors, unit rows."""
    rows = np.zeros((len(scheme.names), encoder.dim), dtype=np.float32)
    for row, name in enumerate(scheme.names):
        texts = [scheme.definitions[name], *scheme.examples[name]]
        rows[row] = encoder.encode_queries(texts).mean(axis=0)
    return unit_rows(rows)

"""A system as mteb sees it: mteb's tasks evaluate it, with query and instruction delivered once and apart.

mteb joins query and instruction into one text for its own encoders, at a place of its choosing. Here the query stays
the topic's text and the instruction stays the topic's instruction, so the system's own template is all that joins them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import heedful
from heedful.errors import BadInput, BadRecord, BadSystem, Missing
from heedful.evaluate.trec import in_order
from heedful.records import Document, Qrels, Topic
from heedful.systems.protocol import ASPECT, GRADES, Collection, Ranker, System, shown
from heedful.systems.ranking import checked
from heedful.systems.registry import parse_system

logger = logging.getLogger("heedful.systems")
_Rows = Iterable[Mapping[str, Any]]


@dataclass
class MTEBSystem:
    """Any system that `heedful systems` lists, for `mteb.evaluate(for_mteb("heedful"), task)`.

    It has what mteb's SearchProtocol asks for: `index`, `search`, `mteb_model_meta`. inputs: query id -> the exact
    strings that the model got in the last search (None where unknown).
    """

    name: str
    system: System
    inputs: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    _collection: Collection = field(default_factory=lambda: Collection({}))
    _ranker: Ranker | None = None

    @cached_property
    def mteb_model_meta(self) -> Any:
        """What mteb writes beside its results."""
        from mteb.models.model_meta import ModelMeta

        return ModelMeta(
            loader=None,
            name=f"heedful/{self.name}",
            revision=heedful.__version__,
            release_date=None,
            languages=None,
            n_parameters=None,
            memory_usage_mb=None,
            max_tokens=None,
            embed_dim=None,
            license=None,
            open_weights=None,
            public_training_code=None,
            public_training_data=None,
            framework=[],
            similarity_fn_name=None,
            use_instructions=True,
            training_datasets=None,
        )

    def index(self, corpus: _Rows, *, task_metadata: Any, hf_split: str, hf_subset: str, **others: Any) -> None:
        """Open the system on the documents of a task (columns id, text, optional title)."""
        del others  # how mteb would have its encoders load and batch
        documents: dict[str, Document] = {}
        for number, row in enumerate(corpus, 1):
            id, title, text = str(row["id"]), row.get("title") or "", row.get("text") or ""
            if id in documents:
                raise BadRecord(f"{task_metadata.name} corpus", number, f"the id {id!r} again", "each id once")
            documents[id] = Document(id, title, text)
        self._collection = Collection(documents, Qrels({}), f"mteb:{task_metadata.name}:{hf_split}:{hf_subset}")
        self._ranker = self.system.open(self._collection)

    def search(
        self,
        queries: _Rows,
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **others: Any,
    ) -> dict[str, dict[str, float]]:
        """Query id -> document id -> score: the best top_k of the corpus, or of a reranking task's candidates.

        Columns of a query: id, text, optional instruction. Raises BadInput for a conversation (no such system here),
        and for a search before `index`.
        """
        del others
        if self._ranker is None:
            raise BadInput(f"{self.name}: found no corpus; expected index() before search()")
        found: dict[str, dict[str, float]] = {}
        self.inputs = {}
        for row in queries:
            topic = _topic(row)
            candidates = list(self._collection.documents)
            if top_ranked is not None:
                candidates = self._known(topic.id, top_ranked.get(topic.id, ()))
            if not candidates:
                found[topic.id] = {}
                continue
            answer = self._ranker.rank(shown(topic, self.system.given), candidates)
            hits = checked(self.name, topic.id, answer.hits, candidates)
            found[topic.id] = {hit.id: float(hit.score) for hit in in_order(hits)[:top_k]}
            self.inputs[topic.id] = answer.inputs
        return found

    def _known(self, topic: str, ids: Sequence[str]) -> list[str]:
        kept = [id for id in dict.fromkeys(ids) if id in self._collection.documents]
        if len(kept) < len(set(ids)):
            logger.warning("%s: %d candidates are not in the corpus", topic, len(set(ids)) - len(kept))
        return kept


def for_mteb(system: str | System, name: str = "") -> MTEBSystem:
    """A system, by its name with options or opened by you, as a model that mteb evaluates.

    Raises Missing where mteb is not installed, BadSystem for a system that needs what mteb does not hand out (the
    judgments, the aspect's name).
    """
    if find_spec("mteb") is None:
        raise Missing("evaluating in mteb needs mteb; pip install 'heedful[mteb]'")
    made = parse_system(system) if isinstance(system, str) else system
    name = name or (system if isinstance(system, str) else type(system).__name__)
    asked = made.given & {GRADES, ASPECT}
    if asked:
        raise BadSystem(f"{name}: needs {' and '.join(sorted(asked))} of a topic, which mteb does not hand out")
    return MTEBSystem(name, made)


def _topic(row: Mapping[str, Any]) -> Topic:
    text = row.get("text")
    if not isinstance(text, str):
        raise BadInput(f"query {row.get('id')!r}: found {type(text).__name__} as its text; expected a string")
    return Topic(str(row["id"]), text=text, instruction=(row.get("instruction") or "").strip())

"""A system as a reranker of what an index found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from heedful.errors import BadSystem
from heedful.evaluate.trec import in_order
from heedful.explore.evidence import Evidence
from heedful.records import Hit, Topic
from heedful.systems.protocol import GRADES, ID, Collection, Ranker, System
from heedful.systems.registry import parse_system

if TYPE_CHECKING:
    from heedful.index import Index
    from heedful.seams import DocumentEncoder


class SystemReranker:
    """A `Reranker`: the system is opened on the candidates and the seeds, nothing else.

    encoder: the index's own, where it is loaded already.
    """

    def __init__(self, system: System, index: Index, encoder: DocumentEncoder | None = None):
        self.system, self.index, self.encoder = system, index, encoder
        self._opened: Ranker | None = None

    def rerank(self, topic: Topic, candidates: Sequence[Hit]) -> list[Hit]:
        """The same candidates, best first, with strictly falling scores; one that the system leaves out goes last."""
        if not candidates:
            return []
        ids = [hit.id for hit in candidates]
        documents = {d.id: d for d in self.index.documents(dict.fromkeys([*topic.seeds, *ids]))}
        self._opened = self.system.open(Collection(documents, index=self.index, encoder=self.encoder))
        hits = in_order(list(self._opened.rank(topic, ids).hits))
        kept = {hit.id for hit in hits}
        order = [*(hit.id for hit in hits), *(id for id in ids if id not in kept)]
        return [Hit(id, float(len(order) - place)) for place, id in enumerate(order)]

    def evidence(self, topic: Topic, ids: Sequence[str]) -> dict[str, tuple[Evidence, ...]]:
        """Why the system put the last candidates there, id -> aligned pairs; nothing of a system that cannot say."""
        explain = getattr(self._opened, "evidence", None)
        return explain(topic, ids) if callable(explain) else {}


def open_reranker(name: str, index: Index, encoder: DocumentEncoder | None = None) -> SystemReranker:
    """A reranker from a system's name; encoder: the index's own, where it is loaded already.

    Raises BadSystem for a system that needs judgments or a topic's id.
    """
    system = parse_system(name)
    if system.given & {GRADES, ID}:
        raise BadSystem(f"{name}: is told {', '.join(sorted(system.given))}, which is known in benchmarks only")
    return SystemReranker(system, index, encoder)

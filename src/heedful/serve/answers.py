"""What the server computes for each request: plain functions over an opened collection, run in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heedful.errors import BadInput, UnknownId
from heedful.explore import Exploration
from heedful.explore.export import EXPORTS
from heedful.explore.planning import plan_from_dict, plan_to_dict
from heedful.explore.results import ExploredHit
from heedful.records import Plan
from heedful.serve.collection import Collection, as_json
from heedful.serve.problems import InField
from heedful.serve.requests import CompareRequest, ExploreRequest, ExportRequest, PlanIn, PlanRequest, Start
from heedful.serve.settings import MOST_K

if TYPE_CHECKING:
    from heedful.seams import Reranker


def planned(collection: Collection, asked: PlanRequest) -> dict[str, Any]:
    """What an instruction is understood as."""
    plan = collection.explorer.plan(asked.instruction, aspect=asked.aspect, avoid=asked.avoid)
    return {"instruction": asked.instruction, "plan": plan_to_dict(plan)}


def explored(collection: Collection, asked: ExploreRequest, reranker: Reranker | None = None) -> dict[str, Any]:
    """An exploration as the command line prints it, and how it moved since `previous`."""
    _require_known(collection, asked)
    options = _options(asked)
    given = None if asked.plan is None else _plan(collection, asked.plan)
    found = collection.explorer.explore(
        asked.seeds,
        asked.instruction,
        **options,
        plan=given,
        rerank=reranker,
        system=asked.rerank or "heedful",
    )
    answer = found.to_dict()
    if asked.documents:
        documents = collection.described([hit.document for hit in found.hits])
        for hit, document in zip(answer["hits"], documents, strict=True):
            hit["document"] = document
        if asked.seed_text is not None:
            answer["start"] = {"sentences": collection.labelled(asked.seed_text)}
    if asked.previous is not None:
        before = _before(collection, asked, options, reranker)
        places = {id: rank for rank, id in enumerate(before.ranking, start=1)}
        now = {id: rank for rank, id in enumerate(found.ranking, start=1)}
        for hit in answer["hits"]:
            id = hit["id"]
            hit["moved_since"] = places[id] - now[id] if id in places else None
        answer["previous"] = {
            "instruction": before.instruction,
            "plan": plan_to_dict(before.plan),
            "heed": None if before.heed is None else before.heed.to_dict(),
            "hits": [{"rank": hit.rank, "id": hit.id, "title": hit.title} for hit in before.hits],
        }
    return answer


def compared(collection: Collection, asked: CompareRequest) -> dict[str, Any]:
    """One start under several instructions."""
    _require_known(collection, asked)
    return collection.explorer.compare(asked.seeds, asked.instructions, **_options(asked)).to_dict()


def exported(collection: Collection, asked: ExportRequest) -> str:
    """The picked documents in the order of their ids, as a file's content. Raises UnknownId."""
    documents = collection.index.documents(list(dict.fromkeys(asked.ids)))
    if asked.format == "json":
        return as_json({"documents": collection.described(documents)}).decode()
    hits = tuple(
        ExploredHit(rank=rank, document=document, score=float(len(documents) - rank), parts={}, evidence=(), moved=None)
        for rank, document in enumerate(documents, start=1)
    )
    picked = Exploration(seed="picked", instruction="", plan=Plan(), system="heedful", hits=hits, heed=None)
    return EXPORTS[asked.format](picked)


def _require_known(collection: Collection, asked: Start) -> None:
    """Raise UnknownId, saying which field has the unknown id."""
    for name, ids in (("seeds", asked.seeds or []), ("unlike", asked.unlike)):
        try:
            collection.index.vectors([id for id in ids if id not in collection.index][:1])
        except UnknownId as error:
            raise InField(error, name) from None


def _before(
    collection: Collection, asked: ExploreRequest, options: Mapping[str, Any], reranker: Reranker | None
) -> Exploration:
    plan = _plan(collection, asked.previous) if isinstance(asked.previous, PlanIn) else None
    instruction = asked.previous if isinstance(asked.previous, str) else ""
    kept = {name: value for name, value in options.items() if name not in ("aspect", "avoid", "steer")}
    return collection.explorer.explore(asked.seeds, instruction, **kept, plan=plan, rerank=reranker)


def _options(asked: Start) -> dict[str, Any]:
    given = {"seeds": asked.seeds, "seed_text": asked.seed_text, "query": asked.query}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1 or asked.seeds == []:
        found = " and ".join(named) if len(named) > 1 else "an empty list of seeds" if named else "no start"
        raise BadInput(f"found {found}; give exactly one of seeds, seed_text, query")
    return {
        "text": asked.seed_text,
        "query": asked.query,
        "unlike": asked.unlike,
        "aspect": asked.aspect,
        "avoid": asked.avoid,
        "where": asked.where or None,
        "steer": asked.steer,
        "k": min(asked.k, MOST_K),
    }


def _plan(collection: Collection, given: PlanIn) -> Plan:
    return plan_from_dict(given.model_dump(), scheme=collection.explorer.scheme)

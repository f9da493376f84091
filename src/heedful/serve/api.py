"""The routes under /api."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from heedful.errors import BadSystem, UnknownId
from heedful.explore.export import EXPORTS
from heedful.serve import answers, responses, streams
from heedful.serve import settings as most
from heedful.serve.collection import Collection, as_json, listed
from heedful.serve.export import FILES, attachment
from heedful.serve.problems import USUAL, problem
from heedful.serve.requests import CompareRequest, ExploreRequest, ExportRequest, Failed, PlanRequest
from heedful.serve.work import Work

router = APIRouter(prefix="/api", responses=USUAL)


def work_of(request: Request) -> Work:
    """What computes for this app."""
    work: Work = request.app.state.work
    return work


def ok(value: Any) -> Response:
    """A value as JSON."""
    return Response(as_json(value), media_type="application/json")


@router.get("/info", summary="What the collection holds, and this server's limits", response_model=responses.Info)
async def info(request: Request) -> Response:
    """Documents, aspects with their definitions, metadata columns with types, ranges and values, limits."""
    work = work_of(request)
    limits = {
        "body_bytes": work.settings.body,
        "k": most.MOST_K,
        "seeds": most.MOST_SEEDS,
        "text": most.LONGEST_TEXT,
        "instruction": most.LONGEST_INSTRUCTION,
        "instructions": most.MOST_INSTRUCTIONS,
        "exported": most.MOST_EXPORTED,
        "reranked": most.MOST_RERANKED,
        "concurrent": work.settings.concurrent,
        "queue": work.settings.queue,
    }
    extra = {"rerankers": list(work.settings.rerankers), "exports": [*EXPORTS, "json"], "limits": limits}
    return ok({**work.shelf.current.info(), **extra})


@router.get(
    "/documents", summary="Find documents by title, or list those with given ids", response_model=responses.Documents
)
async def documents(
    request: Request,
    q: Annotated[str, Query(max_length=most.LONGEST_QUERY, description="Words of a title, or an id.")] = "",
    id: Annotated[list[str], Query(max_length=most.MOST_LISTED, description="List exactly these.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=most.MOST_LISTED)] = 10,
) -> Response:
    """Title matches first, then documents that speak of the words. With `id`, those documents that are there."""

    def find(collection: Collection) -> Any:
        found = collection.known(id) if id else collection.find(q, limit)
        return {"documents": [listed(document) for document in found]}

    return ok(await work_of(request).run(request, find))


@router.get(
    "/documents/{id:path}",
    summary="Read a document",
    response_model=responses.Document,
    responses={404: {"model": Failed, "description": "No document has this id."}},
)
async def document(request: Request, id: Annotated[str, Path(max_length=most.LONGEST_ID)]) -> Response:
    """A document with its sentences (aspect, how sure that is, offsets) and metadata."""
    try:
        return ok(await work_of(request).run(request, lambda collection: collection.document(id)))
    except UnknownId as error:
        return problem(404, "unknown_id", str(error), "id")


@router.post("/plan", summary="What an instruction is understood as", response_model=responses.Planned)
async def plan(request: Request, asked: PlanRequest) -> Response:
    """The plan, to be shown, edited and sent with an exploration."""
    return ok(await work_of(request).run(request, lambda collection: answers.planned(collection, asked)))


@router.post(
    "/explore",
    summary="From a start and an instruction to explained hits",
    response_model=responses.Explored,
    responses=streams.STREAMED,
)
async def explore(request: Request, asked: ExploreRequest) -> Response:
    """Hits with score parts, aligned sentences and moves; the plan; whether the ranking heeded it."""
    work = work_of(request)
    request.state.texts = asked.model_dump(include={"instruction", "query", "seed_text", "seeds"}, exclude_none=True)
    return await streams.answer(request, work, _explored(work, asked))


@router.post(
    "/compare", summary="One start under several instructions, side by side", response_model=responses.Compared
)
async def compare(request: Request, asked: CompareRequest) -> Response:
    """The explorations, and a row a document with its rank under each instruction."""
    return ok(await work_of(request).run(request, lambda collection: answers.compared(collection, asked)))


@router.post("/export", summary="Take picked documents away", response_class=Response, responses=FILES)
async def export(request: Request, asked: ExportRequest) -> Response:
    """A file in the chosen format, as an attachment."""
    content = await work_of(request).run(request, lambda collection: answers.exported(collection, asked))
    return attachment(content, asked.format, asked.name)


def _explored(work: Work, asked: ExploreRequest) -> Callable[[Collection], Any]:
    if asked.rerank is not None and asked.rerank not in work.settings.rerankers:
        known = ", ".join(work.settings.rerankers) or "none"
        raise BadSystem(f"rerank: {asked.rerank!r} is not offered here; this server has {known}")

    def compute(collection: Collection) -> Any:
        reranker = None
        if asked.rerank is not None:
            from heedful.systems import open_reranker

            reranker = open_reranker(asked.rerank, collection.index, collection.explorer.encoder)
        return answers.explored(collection, asked, reranker)

    return compute

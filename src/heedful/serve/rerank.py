"""`POST /v1/rerank`: what rerank clients send, and an instruction."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from heedful.errors import BadInput, BadSystem
from heedful.explore.planning import plan_to_dict
from heedful.explore.texts import rank_texts
from heedful.serve import streams
from heedful.serve.collection import Collection
from heedful.serve.problems import USUAL
from heedful.serve.requests import RerankRequest
from heedful.serve.responses import Reranked
from heedful.serve.settings import LONGEST_RERANKED

router = APIRouter(prefix="/v1", responses=USUAL, tags=["rerank"])
MODEL = "heedful"


@router.post(
    "/rerank",
    summary="Order given texts by a query and an instruction",
    response_model=Reranked,
    responses=streams.STREAMED,
)
async def rerank(request: Request, asked: RerankRequest) -> Response:
    """Cohere's and Jina's shape. `relevance_score` is in (0, 1) and compares the texts of one request only."""
    if asked.model not in (None, "", MODEL):
        raise BadSystem(f"model: {asked.model!r} is not served here; expected {MODEL!r}, or no model")
    if not asked.query.strip():
        raise BadInput("query: found no words; expected what the documents are to be about")
    texts = [document if isinstance(document, str) else document.text for document in asked.documents]
    if (length := sum(map(len, texts))) > LONGEST_RERANKED:
        raise BadInput(f"documents: found {length} characters in all; expected at most {LONGEST_RERANKED}")
    work = request.app.state.work
    request.state.texts = {"query": asked.query, "instruction": asked.instruction}

    def compute(collection: Collection) -> dict[str, Any]:
        ranked = rank_texts(collection.explorer, asked.query, texts, asked.instruction)
        results: list[dict[str, Any]] = []
        for position in ranked.order[: asked.top_n]:
            result: dict[str, Any] = {
                "index": position,
                "relevance_score": round(1 / (1 + math.exp(-ranked.scores[position])), 6),
            }
            if asked.return_documents:
                result["document"] = {"text": texts[position]}
            results.append(result)
        return {
            "id": uuid4().hex,
            "model": MODEL,
            "results": results,
            "plan": plan_to_dict(ranked.plan),
            "meta": {"api_version": {"version": "2"}, "warnings": list(ranked.warnings)},
        }

    return await streams.answer(request, work, compute)

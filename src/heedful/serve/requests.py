"""What requests hold, with their limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from heedful.serve import settings as most

Id = Annotated[str, Field(min_length=1, max_length=most.LONGEST_ID, description="A document's id.")]
Ids = Annotated[list[Id], Field(max_length=most.MOST_SEEDS)]
Instruction = Annotated[str, Field(max_length=most.LONGEST_INSTRUCTION, description="What to look for, in words.")]
Text = Annotated[str, Field(max_length=most.LONGEST_TEXT)]
Aspect = Annotated[str, Field(max_length=40, description="Match along this aspect, whatever the instruction says.")]
Avoid = Annotated[
    list[Annotated[str, Field(max_length=most.LONGEST_INSTRUCTION)]],
    Field(max_length=most.MOST_AVOID, description="Texts to be far from."),
]
Where = Annotated[str, Field(max_length=most.LONGEST_FILTER, description="A filter, e.g. `year >= 2019`.")]
Steer = Annotated[
    float, Field(ge=0, le=1, description="0: as if nothing was asked; 1: only what was asked.", allow_inf_nan=False)
]
K = Annotated[int, Field(ge=1, le=most.MOST_K, description="How many hits.")]


class Asked(BaseModel):
    """A request; what it does not know is refused, and nothing is guessed from another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ClauseIn(Asked):
    """A text that is wanted or avoided."""

    text: Annotated[str, Field(min_length=1, max_length=most.LONGEST_INSTRUCTION)]
    weight: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0


class PlanIn(Asked):
    """A plan, as `POST /api/plan` gives it; edited or not. Keys may be left out."""

    aspects: dict[str, Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]] = Field(default_factory=dict)
    wanted: Annotated[list[ClauseIn], Field(max_length=most.MOST_CLAUSES)] = Field(default_factory=list)
    avoided: Annotated[list[ClauseIn], Field(max_length=most.MOST_CLAUSES)] = Field(default_factory=list)
    where: Where | None = None
    task: Text | None = None
    steer: Steer | None = None
    not_understood: Annotated[list[Text], Field(max_length=most.MOST_CLAUSES)] = Field(default_factory=list)


class PlanRequest(Asked):
    """An instruction to be understood."""

    instruction: Instruction = ""
    aspect: Aspect | None = None
    avoid: Avoid = Field(default_factory=list)


class Start(Asked):
    """Where to start: exactly one of `seeds`, `seed_text` and `query`; and what goes for every instruction."""

    seeds: Ids | None = None
    seed_text: Text | None = Field(None, description="An abstract; three sentences or more are read as a document.")
    query: Text | None = Field(None, description="A short text.")
    unlike: Ids = Field(default_factory=list, description="Documents to be far from.")
    aspect: Aspect | None = None
    avoid: Avoid = Field(default_factory=list)
    where: Where | None = None
    steer: Steer | None = None
    k: K = 10


class ExploreRequest(Start):
    """What `heedful explore` takes, as JSON."""

    instruction: Instruction = ""
    plan: PlanIn | None = Field(None, description="Used instead of the instruction, which then is only its name.")
    previous: Instruction | PlanIn | None = Field(
        None, description="An instruction or plan; the answer says how hits moved since then."
    )
    rerank: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Let this system order the candidates; `GET /api/info` lists those allowed."
    )
    documents: bool = Field(False, description="Give each hit its document: sentences with aspects, metadata.")


class CompareRequest(Start):
    """One start under several instructions."""

    instructions: Annotated[list[Instruction], Field(min_length=2, max_length=most.MOST_INSTRUCTIONS)]


class ExportRequest(Asked):
    """Picked documents, to take away."""

    format: Literal["bibtex", "ris", "csv", "json", "trec"]
    ids: Annotated[list[Id], Field(min_length=1, max_length=most.MOST_EXPORTED)]
    name: Annotated[str, Field(max_length=200, description="What to call the file; made safe.")] = "heedful"


class RerankText(BaseModel):
    """A document of a rerank request, as an object; other keys are left alone."""

    model_config = ConfigDict(extra="allow", strict=True)
    text: Text


class RerankRequest(BaseModel):
    """What clients of Cohere's and Jina's rerank endpoints send, and an instruction. Other keys are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)
    model: Annotated[str, Field(max_length=200)] | None = Field(None, description='"heedful", or one of the rerankers.')
    query: Annotated[str, Field(min_length=1, max_length=most.LONGEST_TEXT)]
    documents: Annotated[list[Text | RerankText], Field(min_length=1, max_length=most.MOST_RERANKED)]
    instruction: Instruction = Field("", description="What to prefer, in words.")
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool = False


class Problem(BaseModel):
    """What went wrong. code: for programs; message: for people; field: of the request, where one is to blame."""

    code: str
    message: str
    field: str | None


class Failed(BaseModel):
    """The body of every answer from 400 on."""

    error: Problem


Json = dict[str, Any]

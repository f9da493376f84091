"""What agents are given: four tools over one collection, described so that no other reading is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field, ValidationError

from heedful import __version__
from heedful.errors import HeedfulError
from heedful.serve import answers, responses
from heedful.serve import settings as most
from heedful.serve.collection import Collection, listed
from heedful.serve.gate import Overloaded
from heedful.serve.problems import stated
from heedful.serve.requests import CompareRequest, ExploreRequest
from heedful.serve.work import Work

T = TypeVar("T")
R = TypeVar("R", CompareRequest, ExploreRequest)

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

Id = Annotated[str, Field(min_length=1, max_length=most.LONGEST_ID)]
Seeds = Annotated[
    list[Id] | None, Field(max_length=most.MOST_SEEDS, description="Ids of documents to start from, as `search` gives.")
]
SeedText = Annotated[
    str | None,
    Field(max_length=most.LONGEST_TEXT, description="Instead of seeds: a text to start from, such as an abstract."),
]
Instruction = Annotated[
    str,
    Field(
        max_length=most.LONGEST_INSTRUCTION,
        description="What should be alike or different, in plain words: 'similar method, not the same topic', "
        "'same problem, since 2019, no surveys'. Empty: plain similarity.",
    ),
]
Where = Annotated[
    str | None,
    Field(max_length=most.LONGEST_FILTER, description="A filter over the columns, as SQL: `year >= 2019`."),
]
Limit = Annotated[int, Field(ge=1, le=most.MOST_LISTED, description="How many documents.")]
Avoid = Annotated[
    list[Annotated[str, Field(max_length=most.LONGEST_INSTRUCTION)]] | None,
    Field(max_length=most.MOST_AVOID, description="Texts that results should be far from."),
]


class Hit(responses.Shape):
    """A document found. moved: places gained because of the instruction; null where it came in because of it.

    evidence: the sentences of the start and of this document that answer each other.
    """

    rank: int
    id: str
    title: str
    score: float
    moved: int | None
    evidence: list[responses.Evidence]
    metadata: responses.Metadata


class Exploration(responses.Shape):
    """What was found. plan: how the instruction was understood; heed.verdict: whether the ranking followed it."""

    plan: responses.Plan
    heed: responses.Heed | None
    warnings: list[str]
    hits: list[Hit]


class Compared(responses.Shape):
    """One start under several instructions. ranks: each document's rank under each, null where it is not among them."""

    instructions: list[str]
    plans: list[responses.Plan]
    verdicts: list[str | None]
    documents: list[responses.Ranks]


def make_server(work: Work) -> MCPServer[Any]:
    """The server over the collection that is open now."""
    server: MCPServer[Any] = MCPServer(
        "heedful", title="Heedful", version=__version__, instructions=_about(work.shelf.current), log_level="WARNING"
    )

    async def answered(compute: Callable[[Collection], T]) -> T:
        try:
            return await work.run(None, compute)
        except Overloaded as error:
            raise ToolError(str(error)) from None
        except HeedfulError as error:
            raise ToolError(stated(error)[2]) from None

    @server.tool(title="Search the collection", annotations=_READS)
    async def search(
        query: Annotated[str, Field(min_length=1, max_length=most.LONGEST_TEXT, description="Words, or a title.")],
        where: Where = None,
        limit: Limit = 10,
    ) -> responses.Documents:
        """Find documents about something, by meaning and by words. Gives ids to explore from and to read."""

        def compute(collection: Collection) -> responses.Documents:
            found = collection.explorer.explore(query=query, where=where or None, k=limit)
            return responses.Documents(documents=[responses.Listed(**listed(hit.document)) for hit in found.hits])

        return await answered(compute)

    @server.tool(title="Explore from a document", annotations=_READS)
    async def explore(
        seeds: Seeds = None,
        seed_text: SeedText = None,
        instruction: Instruction = "",
        unlike: Annotated[list[Id] | None, Field(max_length=most.MOST_SEEDS, description="Ids to be far from.")] = None,
        avoid: Avoid = None,
        where: Where = None,
        steer: Annotated[
            float | None, Field(ge=0, le=1, description="0: as if nothing was asked; 1: only what was asked.")
        ] = None,
        limit: Limit = 10,
    ) -> Exploration:
        """Find documents like some others, along what the instruction asks for, and see which sentences agree.

        Give seeds or seed_text. The answer says how the instruction was understood and whether the ranking followed
        it; where `not_understood` names words, say them differently.
        """
        asked = _checked(
            ExploreRequest,
            seeds=seeds,
            seed_text=seed_text,
            instruction=instruction,
            unlike=unlike or [],
            avoid=avoid or [],
            where=where,
            steer=steer,
            k=limit,
            documents=True,
        )
        found = await answered(lambda collection: answers.explored(collection, asked))
        return Exploration(
            plan=found["plan"],
            heed=found["heed"],
            warnings=found["warnings"],
            hits=[
                Hit(
                    **{name: hit[name] for name in ("rank", "id", "title", "score", "moved", "evidence")},
                    metadata=hit["document"]["metadata"],
                )
                for hit in found["hits"]
            ],
        )

    @server.tool(title="Compare instructions", annotations=_READS)
    async def compare(
        instructions: Annotated[
            list[Annotated[str, Field(max_length=most.LONGEST_INSTRUCTION)]],
            Field(
                min_length=2,
                max_length=most.MOST_INSTRUCTIONS,
                description="Two or more instructions; an empty one is plain similarity.",
            ),
        ],
        seeds: Seeds = None,
        seed_text: SeedText = None,
        where: Where = None,
        limit: Limit = 10,
    ) -> Compared:
        """See what changes between instructions from one start: each document's rank under each of them."""
        asked = _checked(
            CompareRequest, instructions=instructions, seeds=seeds, seed_text=seed_text, where=where, k=limit
        )
        found = await answered(lambda collection: answers.compared(collection, asked))
        return Compared(
            instructions=found["instructions"],
            plans=[each["plan"] for each in found["explorations"]],
            verdicts=[each["heed"] and each["heed"]["verdict"] for each in found["explorations"]],
            documents=found["ranks"],
        )

    @server.tool(title="Read a document", annotations=_READS)
    async def read_document(
        id: Annotated[Id, Field(description="The document's id, as the other tools give it.")],
    ) -> responses.Document:
        """Read a document: title, text, metadata, and its sentences with the aspect that each is about."""
        return responses.Document.model_validate(await answered(lambda collection: collection.document(id)))

    return server


def _checked(kind: type[R], **values: Any) -> R:
    """A request; what is wrong with it is said to the agent."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ToolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _about(collection: Collection) -> str:
    """What an agent should know before it begins."""
    info = collection.info()
    aspects = "\n".join(f"- {aspect['name']}: {aspect['definition']}" for aspect in info["aspects"])
    columns = ", ".join(_column(column) for column in info["columns"]) or "none"
    return (
        f"{info['name']!r} is a collection of {info['documents']:,} documents. Explore it from a document that you "
        "know or find, by saying in plain words what should be alike and what should not. `search` finds documents "
        "about something; `explore` finds documents like others along what is asked, with the sentences that agree; "
        "`compare` shows what an instruction changes; `read_document` reads one.\n"
        f"Aspects that instructions can name:\n{aspects}\n"
        f"Columns for filters (SQL, as `where`): {columns}."
    )


def _column(column: dict[str, Any]) -> str:
    if column["low"] is not None:
        return f"{column['name']} ({column['type']}, {column['low']} to {column['high']})"
    values = [str(value["value"]) for value in column["values"] or ()]
    few = f": {', '.join(values)}" if values and len(values) <= 12 else ""
    return f"{column['name']} ({column['type']}{few})"

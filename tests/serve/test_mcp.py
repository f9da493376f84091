from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from tests.serve.conftest import SEED, live

from heedful.encode import HashEncoder
from heedful.explore import Explorer
from heedful.index import Index
from heedful.serve.app import create_app
from heedful.serve.mcp import make_server
from heedful.serve.settings import Settings
from heedful.serve.shelf import Shelf
from heedful.serve.work import Work

METHOD = "similar method, not the same topic"


@pytest.fixture
def tell(index: Path, encoder: HashEncoder) -> Callable[..., Any]:
    """Run a test as an agent that is connected to the server."""

    def run(test: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        async def connected() -> None:
            work = Work(Settings(concurrent=1), Shelf(index, encoder))
            await work.shelf.open()
            async with Client(make_server(work)) as client:
                await test(client)
            work.close()

        asyncio.run(asyncio.wait_for(connected(), 60))

    return run


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


def test_tools_say_what_they_take_and_give(tell):
    async def test(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search", "explore", "compare", "read_document"}
        for tool in tools.values():
            assert len(tool.description or "") > 40 and tool.annotations.read_only_hint
            assert tool.output_schema["type"] == "object" and tool.output_schema["properties"]
            for name, schema in tool.input_schema["properties"].items():
                assert schema.get("description"), (tool.name, name)
        assert "method" in client.instructions and "year (int, 2010 to 2016)" in client.instructions

    tell(test)


def test_an_agent_finds_explores_and_reads(tell, index: Path, encoder: HashEncoder):
    async def test(client: Client) -> None:
        found = await call(client, "search", query="coral reefs by kernel", limit=2, where="year < 2012")
        assert found["documents"][0]["id"] == SEED
        explored = await call(client, "explore", seeds=[SEED], instruction=METHOD, limit=4)
        expected = Explorer(Index.open(index), encoder).explore(SEED, METHOD, k=4)
        assert [hit["id"] for hit in explored["hits"]] == [hit.id for hit in expected.hits]
        assert explored["hits"][0]["evidence"][0]["aspect"] == "method"
        assert explored["heed"]["verdict"] == expected.heed.verdict and "turnover@10" in explored["heed"]
        read = await call(client, "read_document", id=explored["hits"][0]["id"])
        assert [sentence["aspect"] for sentence in read["sentences"]] == ["background", "method", "result"]

    tell(test)


def test_an_agent_starts_from_a_text_and_avoids(tell):
    async def test(client: Client) -> None:
        text = "Reefs bleach in the sea. A Gaussian kernel smooths counts. Errors fell."
        answer = await call(
            client, "explore", seed_text=text, instruction="similar method", avoid=["buses"], unlike=["bees-kernel"]
        )
        assert answer["plan"]["avoided"] == [{"text": "buses", "weight": 1.0}]
        assert answer["hits"][0]["id"] not in ("buses-kernel", "bees-kernel")

    tell(test)


def test_an_agent_compares_instructions(tell):
    async def test(client: Client) -> None:
        answer = await call(client, "compare", instructions=["", METHOD, "same topic"], seeds=[SEED], limit=3)
        assert answer["verdicts"][0] is None and len(answer["plans"]) == 3
        assert all(len(document["ranks"]) == 3 for document in answer["documents"])

    tell(test)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("read_document", {"id": "reefs"}, "nearest ids"),
        ("explore", {}, "exactly one"),
        ("explore", {"seeds": [SEED], "where": "colour = 1"}, "no column 'colour'"),
        ("explore", {"seeds": ["nobody"]}, "nobody"),
        ("search", {"query": "x", "limit": 51}, "limit"),
        ("compare", {"seeds": [SEED], "instructions": ["one"]}, "instructions"),
        ("search", {"query": "x", "where": "1; DROP TABLE x"}, "where"),
    ],
)
def test_an_agent_is_told_what_was_wrong(tell, tool: str, arguments: dict[str, Any], words: str):
    async def test(client: Client) -> None:
        answer = await client.call_tool(tool, arguments)
        assert answer.is_error and words in answer.content[0].text

    tell(test)


def test_agents_come_in_by_http_with_the_key(index: Path, encoder: HashEncoder):
    settings = Settings(concurrent=1, watch=0, api_key="open sesame", hosts=("127.0.0.1",))

    async def test(address: str) -> None:
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer open sesame"}, timeout=30) as http,
            Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
        ):
            assert (await call(client, "read_document", id=SEED))["id"] == SEED
            assert len((await call(client, "explore", seeds=[SEED], limit=2))["hits"]) == 2
        async with httpx2.AsyncClient() as http:
            assert (await http.post(f"{address}/mcp", json={})).status_code == 401

    with live(create_app(index, settings=settings, encoder=encoder)) as address:
        asyncio.run(asyncio.wait_for(test(address), 60))


def test_agents_come_in_by_standard_input_and_output(index: Path):
    code = (
        "import asyncio, sys; from heedful.encode import HashEncoder; from heedful.serve.agents import serve_stdio;"
        "from heedful.serve.run import log_as_json; from heedful.serve.settings import Settings; log_as_json();"
        "asyncio.run(serve_stdio(sys.argv[1], Settings(concurrent=1), HashEncoder(dim=64)))"
    )

    async def test() -> None:
        parameters = StdioServerParameters(command=sys.executable, args=["-c", code, str(index)])
        async with Client(stdio_client(parameters)) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} >= {"search", "explore"}
            assert (await call(client, "search", query="triage notes", limit=1))["documents"][0]["id"].startswith(
                "nurses"
            )

    asyncio.run(asyncio.wait_for(test(), 120))

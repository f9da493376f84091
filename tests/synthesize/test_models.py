"""Models that travel: what goes along, and what never does."""

from __future__ import annotations

import pickle

import pytest
from tests.openai_server import Say, serving

from heedful.chat import LocalAccount, Request
from heedful.errors import BadInput, Missing
from heedful.synthesize.models import OPENAI, Endpoint, travelling

KEY = "a-key-that-stays-where-it-is"


def test_each_process_opens_a_client_of_its_own_and_no_key_travels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with serving(lambda asked, number: Say("yes")) as server:
        end = Endpoint(model="m", base_url=server.url, key_env="SOME_KEY")
        model, _ = travelling(end, end, LocalAccount())
        (here,) = model.chat.ask([Request("one")])
        sent = pickle.dumps(model)
        (there,) = pickle.loads(sent).chat.ask([Request("two")])
        assert (here.text, there.text) == ("yes", "yes")
        assert [headers["authorization"] for headers in server.headers] == [f"Bearer {KEY}"] * 2
    assert KEY.encode() not in sent


def test_the_address_is_the_one_that_holds_here(monkeypatch: pytest.MonkeyPatch) -> None:
    end = Endpoint(model="m")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert OPENAI.encode() in pickle.dumps(travelling(end, end, LocalAccount()))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://models.invalid:8000/v1")
    assert b"http://models.invalid:8000/v1" in pickle.dumps(travelling(end, end, LocalAccount()))


@pytest.mark.parametrize("address", ["https://me:secret@host.invalid/v1", "https://host.invalid/v1?api-key=secret"])
def test_an_address_that_may_hold_a_key_does_not_travel(address: str) -> None:
    end = Endpoint(model="m", base_url=address)
    with pytest.raises(BadInput) as error:
        travelling(end, end, LocalAccount())
    assert "secret" not in str(error.value)


def test_a_budget_needs_a_price() -> None:
    end = Endpoint(model="a-model-without-a-price")
    travelling(end, end, LocalAccount())
    with pytest.raises(Missing, match="no price is known"):
        travelling(end, end, LocalAccount(1.0))

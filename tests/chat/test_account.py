"""One budget over clients that know nothing of one another, as in several processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.openai_server import Say, Server, serving

from heedful.chat import Chat, LocalAccount, Parameters, Price, Request, ledger
from heedful.errors import BudgetSpent, Missing

CENT = {"m": Price(0.0, 10_000.0)}  # a token of an answer is a cent; the server's answers have two


@pytest.fixture
def server() -> Iterator[Server]:
    def slowly(asked: dict[str, Any], number: int) -> Say:
        return Say("yes", seconds=0.3)

    with serving(slowly) as made:
        yield made


def client(server: Server, account: LocalAccount) -> Chat:
    parameters = Parameters(max_tokens=4)  # four cents at worst
    return Chat("m", base_url=server.url, prices=CENT, account=account, parameters=parameters)


def test_money_that_another_holds_is_waited_for(server: Server) -> None:
    account = LocalAccount(0.07)  # for one call at its worst at a time, and two at what they cost
    with client(server, account) as one, client(server, account) as other:
        asking = [threading.Thread(target=chat.ask, args=([Request(f"{chat}")],)) for chat in (one, other)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert server.most_at_once == 1
        assert (one.spending.calls, other.spending.calls) == (1, 1)
        with pytest.raises(BudgetSpent, match=r"of \$0\.0700 is spent \(\$0\.0400, 2 calls\)"):
            one.ask([Request("a third")])
    assert len(server.calls) == 2
    assert account.tally() == {"calls": 2, "cached": 0, "retries": 0, "failed": 0, "cost": pytest.approx(0.04)}
    assert account.held == 0


def test_what_can_never_be_afforded_is_not_waited_for(server: Server) -> None:
    account = LocalAccount(0.05)
    account.take(0.04)
    account.settle(0.04, {"cost": 0.02})
    begun = time.monotonic()
    with client(server, account) as chat, pytest.raises(BudgetSpent):
        chat.ask([Request("one")])
    assert time.monotonic() - begun < 30  # what may come free is waited for a minute
    assert server.calls == []


def test_what_a_dead_process_held_is_not_waited_for_for_ever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "STILL", 0.5)
    account = LocalAccount(0.05)
    account.take(0.04)
    with client(server, account) as chat, pytest.raises(BudgetSpent):
        chat.ask([Request("one")])
    assert server.calls == []


def test_many_at_once_never_pass_the_account(server: Server) -> None:
    account = LocalAccount(0.21)
    with client(server, account) as one, client(server, account) as other:

        def ask(chat: Chat) -> None:
            with pytest.raises(BudgetSpent):
                chat.ask([Request(f"{id(chat)} {number}") for number in range(20)])

        asking = [threading.Thread(target=ask, args=(chat,)) for chat in (one, other)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    assert len(server.calls) == 9  # then 3 cents are left, and a call may cost four
    assert account.tally()["cost"] == pytest.approx(0.18)


def test_a_capped_account_needs_a_price(server: Server) -> None:
    with pytest.raises(Missing, match="no price is known"):
        Chat("m", base_url=server.url, prices={}, account=LocalAccount(1.0))
    Chat("m", base_url=server.url, prices={}, account=LocalAccount()).close()

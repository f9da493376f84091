"""Prompts to answers: any OpenAI-compatible chat model, with a cache, a budget, and a record."""

from heedful.chat.account import Account, LocalAccount
from heedful.chat.cache import AnswerCache
from heedful.chat.client import Chat
from heedful.chat.ledger import Purse, Spending
from heedful.chat.prices import Price, load_prices, price_of
from heedful.chat.replay import Recorder, Replay
from heedful.chat.scripted import ScriptedChat
from heedful.chat.transport import Patience
from heedful.chat.values import Answer, AskingModel, Parameters, Request

__all__ = [
    "Account",
    "Answer",
    "AnswerCache",
    "AskingModel",
    "Chat",
    "LocalAccount",
    "Parameters",
    "Patience",
    "Price",
    "Purse",
    "Recorder",
    "Replay",
    "Request",
    "ScriptedChat",
    "Spending",
    "load_prices",
    "price_of",
]

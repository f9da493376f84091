"""What tokens cost: a table that ships, and the user's own over it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from heedful.errors import BadInput, Missing


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """US dollars."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


def user_file() -> Path:
    """$HEEDFUL_PRICES, or prices.toml in the user's configuration folder."""
    from platformdirs import user_config_path

    named = os.environ.get("HEEDFUL_PRICES")
    return Path(named) if named else user_config_path("heedful") / "prices.toml"


def load_prices(path: Path | None = None) -> dict[str, Price]:
    """The table that ships with the entries of `path` (default: the user's file, where there is one) over it."""
    prices = _parse(files("heedful.chat").joinpath("prices.toml").read_text(encoding="utf-8"), "prices.toml")
    chosen = path or user_file()
    if path or chosen.is_file():
        try:
            text = chosen.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{chosen}: the price table cannot be read: {error}") from error
        prices |= _parse(text, str(chosen))
    return prices


def _parse(text: str, where: str) -> dict[str, Price]:
    try:
        models = tomllib.loads(text).get("models", {})
        prices = {name: Price(float(row["input"]), float(row["output"])) for name, row in models.items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f'{where}: expected [models] with "NAME" = {{ input = x, output = y }}; {error}') from error
    if any(not (price.input >= 0 and price.output >= 0) for price in prices.values()):
        raise BadInput(f"{where}: a price is below zero")
    return prices


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """The model's price; a dated name (NAME-2024-08-06, NAME-0125) without its own entry takes NAME's."""
    if model in prices:
        return prices[model]
    return prices.get(re.sub(r"(-\d{4}-\d{2}-\d{2}|-\d{4})$", "", model))


def require_price(model: str, price: Price | None) -> None:
    """Raise Missing where a budget is to be kept for a model without a price."""
    if price is None:
        raise Missing(
            f"no price is known for {model!r}, so a budget cannot be kept; add it to the price table "
            "(HEEDFUL_PRICES names your own; a model of yours has input = 0, output = 0)"
        )

"""How a model's folder says that an instruction and a text become a query."""

from __future__ import annotations

import json
import re
from pathlib import Path

from heedful.errors import Mismatch

TEMPLATE_FILE = "heedful.json"
PLAIN = "{instruction} {text}"


def fill_template(template: str, instruction: str, text: str) -> str:
    """The template with both in their places; braces within them mean nothing."""
    told = {"{instruction}": instruction, "{text}": text}
    return re.sub(r"\{instruction\}|\{text\}", lambda place: told[place[0]], template)


def saved_template(model: str) -> str:
    """The template in a model's folder; the plain one for a hub name or where it says nothing. Raises Mismatch."""
    path = Path(model).expanduser() / TEMPLATE_FILE
    if not path.is_file():
        return PLAIN
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["template"]
        if "{instruction}" in found and "{text}" in found:
            return str(found)
    except (ValueError, KeyError, TypeError) as error:
        raise Mismatch(f"{path}: found no template ({error}); expected a JSON object with it") from None
    raise Mismatch(f"{path}: found the template {found!r}; expected {{instruction}} and {{text}} in it")

"""Keys: read from the environment, and kept out of everything else."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit, urlunsplit

from heedful.errors import BadInput, Missing

LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
_KEY_LIKE = re.compile(r"\b(sk|pk|key|Bearer)[-_ ][A-Za-z0-9_\-*.]{6,}")


def read_key(variable: str, base_url: str | None) -> str:
    """The key in this environment variable; servers on this machine may do without one.

    Raises Missing without a key, BadInput where the address holds one: addresses are logged.
    """
    check_address(base_url, variable)
    key = os.environ.get(variable, "").strip()
    if key:
        return key
    if base_url and (urlsplit(base_url).hostname or "") in LOCAL:
        return "none"
    where = shown_url(base_url) if base_url else "the OpenAI API"
    raise Missing(f"no key for {where}: the environment variable {variable} is not set; set it, or name another one")


def check_address(base_url: str | None, variable: str, *, bare: bool = False) -> None:
    """Raise BadInput for an address with a user or password in it; bare: with a query too, which may hold a key."""
    parts = urlsplit(base_url or "")
    if "@" in parts.netloc:
        raise BadInput(f"base_url: found a user or password in the address; put the key into {variable} instead")
    if bare and parts.query:
        raise BadInput(
            f"base_url: found a query after {shown_url(base_url or '')}; it might hold a key, and would be sent"
        )


def scrub(text: str, key: str = "") -> str:
    """The text without the key, and without whatever looks like one."""
    if len(key) > 4:
        text = text.replace(key, "***")
    return _KEY_LIKE.sub("***", text)


def shown_url(url: str) -> str:
    """The address without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))

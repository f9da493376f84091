"""The `heedful` command: finds the verbs, and turns errors into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import heedful

VERBS: tuple[str, ...] = (
    "demo",
    "index",
    "info",
    "compact",
    "plan",
    "explore",
    "compare",
    "bench",
    "evaluate",
    "follow",
    "diagnose",
    "experiment",
    "synthesize",
    "audit",
    "convert",
    "train",
    "systems",
    "serve",
    "mcp",
)  # in the order of --help; each is heedful.cli.<verb> with a function `command`

app = typer.Typer(
    name="heedful",
    help="Retrieval that heeds instructions: explore a collection, measure following, build models that follow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        print(heedful.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    del version, debug


for _verb in VERBS:
    app.command(_verb)(import_module(f"heedful.cli.{_verb}").command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 2 bad input, 3 missing, 4 upstream failed, 130 interrupted)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if "--ray" in arguments:
        from heedful.cli.ray_option import with_addresses

        arguments = with_addresses(arguments)
    debug = "--debug" in arguments
    if debug:  # accepted anywhere on the line
        arguments.remove("--debug")
    try:
        app(arguments, standalone_mode=True)
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # the reader of our output has gone; nothing is wrong
            return 0
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if code == 130:  # typer ends without a word
            print("interrupted", file=sys.stderr)
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        from heedful.errors import HeedfulError, Upstream

        if debug:
            import traceback

            traceback.print_exc()
        if isinstance(error, HeedfulError):
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code
        if isinstance(error, MemoryError):
            print("error: found no memory left; expected more, or less to do (--debug shows where)", file=sys.stderr)
            return Upstream.exit_code
        if not debug:
            print(f"error: {type(error).__name__}: {error} (unexpected; --debug shows where)", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line: `minidl train`, `minidl list`, `minidl doctor`. One file for each command.

A command is a module with `SUMMARY`, `add_arguments(parser)` and `run(options)`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from minidl import __version__
from minidl.errors import MinidlError

MISTAKE = 2  # exit status: something that the user can mend
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"{self.prog}: {message} ({self.prog} --help lists what there is)\n")


def parser() -> Parser:
    """The whole command line."""
    main_parser = Parser(prog="minidl", description="Deep learning whose every gradient can be read.")
    main_parser.add_argument("--version", action="version", version=f"minidl {__version__}")
    commands = main_parser.add_subparsers(metavar="command", required=True)
    for name, module in _commands().items():
        command = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        command.add_argument("--traceback", action="store_true", help="show where in the program an error came from")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return main_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 for a mistake in the arguments or the data, 130 for Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except MinidlError as error:
        if options.traceback:
            raise
        print(f"minidl: {_one_line(error)}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        if options.traceback:
            raise
        print("\nminidl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `minidl doctor | head -1`: nobody reads on, which is no mistake
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _commands() -> dict[str, ModuleType]:
    from . import doctor, recipes, train

    return {"train": train, "list": recipes, "doctor": doctor}


def _one_line(error: MinidlError) -> str:
    return str(error).replace("\n  fix: ", "; ").replace("\n  ", "; ").replace("\n", " ")

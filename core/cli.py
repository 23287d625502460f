"""The ``diwan`` command. Every subcommand prints an error as one line and exits non-zero."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from core.commands import COMMANDS, Command
from core.errors import AppError, DiwanError
from core.i18n import use_language


def parser() -> argparse.ArgumentParser:
    """All subcommands, from the table in ``core.commands``."""
    root = argparse.ArgumentParser(prog="diwan", description="The back office that associations and charities run on.")
    groups: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    top = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        words = command.name.split()
        where = top
        if len(words) == 2:
            if words[0] not in groups:
                group = top.add_parser(words[0], help=f"{words[0]} …")
                groups[words[0]] = group.add_subparsers(dest=f"{words[0]}_command", required=True, metavar="COMMAND")
            where = groups[words[0]]
        _add(where, command, words[-1])
    return root


def _add(where: argparse._SubParsersAction[argparse.ArgumentParser], command: Command, word: str) -> None:
    own = where.add_parser(word, help=command.help, description=command.help)
    for names, options in command.arguments:
        own.add_argument(*names, **options)
    own.set_defaults(run=command.run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int | None] = options.run
    try:
        return run(options) or 0
    except (AppError, DiwanError) as error:
        with use_language("en"):  # the labels of data inside a message too; the app that spoke English is closed by now
            print(f"diwan: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""The `cornu` command. Each verb is a module with `add_arguments(parser)` and `run(arguments) -> int`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cornu.cli import demo, doctor, run
from cornu.errors import CornuError

__all__ = ["main"]

VERBS = {"demo": demo, "doctor": doctor, "run": run}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with these arguments, by default those of the command line; gives the exit status.

    0 is success, 1 a failure that the command reports, 2 a wrong use of the command line.
    """
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except CornuError as error:
        print(f"cornu {arguments.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand a verb, described by the first line of its module."""
    top = argparse.ArgumentParser(prog="cornu", description="Cornu, a deep-learning library for people.")
    top.add_argument("--version", action="version", version=f"cornu {doctor.version_of('cornu') or '(not installed as a package)'}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module in VERBS.items():
        line = (module.__doc__ or "").partition("\n")[0]
        sub = verbs.add_parser(name, help=line, description=line)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return top

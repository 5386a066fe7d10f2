"""Run a Keras program with `import keras` served by Cornu, old spellings included."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

import cornu
from cornu import backends, compat
from cornu.errors import CornuError
from cornu.frames import OWN

__all__ = ["add_arguments", "run", "say_error"]

LINES = 12
"""The most lines that an error of Cornu takes."""

WIDTH = 120
"""The most characters of such a line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's options."""
    parser.add_argument("--backend", choices=backends.NAMES, help="what computes (default: CORNU_BACKEND, KERAS_BACKEND, else jax)")
    parser.add_argument("--tf-keras", action="store_true", help="serve `import tensorflow.keras` too, though TensorFlow is installed")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="draw the same random numbers in each run, as keras.utils.set_random_seed(N) does"
    )
    parser.add_argument("--quiet", action="store_true", help="do not say what old spellings are called today")
    parser.add_argument("--traceback", action="store_true", help="show Cornu's errors with all that led to them")
    parser.add_argument("script", metavar="SCRIPT", help="the program's file")
    parser.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")


def run(arguments: argparse.Namespace) -> int:
    """Runs the script as `__main__`; the status is what the script exits with, 1 where it fails, 2 where there is no such file."""
    script = Path(arguments.script)
    if not script.is_file():
        print(f"cornu run: there is no file {arguments.script!r} in {Path.cwd()}.", file=sys.stderr)
        return 2
    if arguments.backend is not None:
        os.environ["CORNU_BACKEND"] = arguments.backend  # for processes that the script starts, too
        cornu.set_backend(arguments.backend)
    compat.install(tensorflow=True if arguments.tf_keras else None, notices=not arguments.quiet)
    sys.argv[:] = [str(script), *arguments.arguments]
    sys.path[0:1] = [str(script.resolve().parent)]
    try:
        if arguments.seed is not None:
            cornu.utils.set_random_seed(arguments.seed)
        runpy.run_path(str(script), run_name="__main__")
    except CornuError as error:
        if arguments.traceback:
            _print_from_the_script(error)
        else:
            say_error(error)
        return 1
    except Exception as error:  # noqa: BLE001 - any error of the script's ends it as Python would
        _print_from_the_script(error)
        return 1
    return 0


def say_error(error: CornuError) -> None:
    """Prints an error of Cornu in at most 12 lines: where the program's own code led to it, what must hold, what came, how to mend it."""
    where = [f'  File "{frame.filename}", line {frame.lineno}\n    {frame.line}' for frame in _user_frames(error.__traceback__)]
    said = f"{type(error).__name__}: {error}".rstrip().split("\n")
    text = [part for line in said for part in textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)]
    room = LINES - len(text)
    shown = where[-1:] if len(where) < 2 or room < 4 else [where[0], where[-1]]
    lines = [*"\n".join(shown).split("\n"), *text] if shown and room >= 2 else text
    print("\n".join(lines[-LINES:] if len(lines) > LINES else lines), file=sys.stderr)


def _user_frames(trace: TracebackType | None) -> Iterator[traceback.FrameSummary]:
    """The frames of the program's own files, from the outermost; one a line."""
    library = tuple(os.path.join(prefix, "lib") + os.sep for prefix in {sys.prefix, sys.base_prefix})
    for frame in traceback.extract_tb(trace):
        if not frame.filename.startswith((OWN, "<frozen", *library)):
            yield frame


def _print_from_the_script(error: BaseException) -> None:
    """Prints the traceback as `python SCRIPT` would: it begins in the script."""
    trace = error.__traceback__
    while trace is not None and _is_launcher(trace.tb_frame) and trace.tb_next is not None:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def _is_launcher(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name == __file__ or name.startswith("<frozen") or name == runpy.__file__

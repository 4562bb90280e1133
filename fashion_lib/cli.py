"""The command line: python -m fashion_lib methods | results | trace | reproduce | notebook | protocol | doctor | ...

The commands stand in `fashion_lib.commands`. Heavy modules are imported by the command that needs them, so that --help
answers at once.
"""

import errno
import os
import re
import sys
import tempfile
import traceback
import warnings
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fashion_lib import __version__
from fashion_lib.commands import (
    batch,
    checkpoints,
    course,
    data,
    data_check,
    explorer,
    gallery,
    numbers,
    training,
)
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError, one_screen
from fashion_lib.core.words import suggestion

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip
FULL = (errno.ENOSPC, errno.EDQUOT)  # of the disk that the output goes to
LONGEST = 80  # characters of an argument that an error sentence repeats
FORMAT_OF_PYTHON = warnings.formatwarning  # of a warning; `main` puts `_one_sentence` in its place

# As `--help` lists them.
COMMANDS = (
    *(numbers.methods, numbers.results, numbers.trace, training.train, training.plan, training.reproduce),
    training.tables,
    *(course.notebook, course.execute_notebooks, course.exercises, course.working_copy, course.slides),
    course.language_check,
    *(course.site_pages, course.site_check, course.badges),
    *(numbers.keep, numbers.retrieval_scores, numbers.manipulation_scores),
    *(course.figures, training.start_weights, course.readme, course.teaching),
    *(data.download, data.new_data, data.protocol),
    *(data.doctor, data_check.check_data, gallery.index, gallery.search, explorer.explorer, explorer.ship_run),
    *(checkpoints.import_checkpoint, checkpoints.export_checkpoint),
    *(batch.batch_plan, batch.status, numbers.paper_costs),
)
for command in COMMANDS:
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit()


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Fine-grained fashion retrieval."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; None is the process's own.

    Returns:
        0 if all went well; 2 after a FashionError or wrong usage, whose sentence goes to stderr; 130 after Ctrl-C; 1
        after an error inside the library, whose traceback goes into a file, and after findings of the doctor.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ± shows ?, and the command goes on
    warnings.formatwarning = _one_sentence
    try:
        # Kernels and jobs start in other folders, where a relative path would be another one.
        os.environ.update(paths.absolute_settings())
        return _run(arguments)
    except FashionError as error:
        print(f"error: {one_screen(brief(error.whole, arguments))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _discard_output()
        return 0
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        reason = reason if len(reason) <= 200 else reason[:200] + "..."
        log = _log(arguments)
        print(f"error: the library has a fault ({reason}): the traceback is in {log}.", file=sys.stderr)
        return 1


def _one_sentence(message, category, filename, lineno, line=None) -> str:
    """Format a warning of this library without the place in its code; any other one as Python does."""
    if category is UserWarning and Path(filename).is_relative_to(Path(__file__).parent):
        return f"warning: {message}\n"
    return FORMAT_OF_PYTHON(message, category, filename, lineno, line or "")


def _discard_output() -> None:
    """Send what is still to be printed nowhere; Python would complain again when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def brief(sentence: str, arguments: list[str]) -> str:
    """Return an error sentence in which no argument, nor a part of one, takes more than LONGEST characters."""
    for argument in arguments:
        for part in (argument, *re.split(r"[\s,.=+:]+", argument)):
            for text in {part, repr(part)[1:-1]}:
                if len(text) > LONGEST:
                    sentence = sentence.replace(text, text[: LONGEST - 3] + "...")
    return sentence


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    name = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if name is not None and name not in command.commands:
        raise FashionError(f"there is no command {name!r}: {suggestion(name, tuple(command.commands))}")
    if name == "notebook":
        arguments = course.join_parameters(arguments)
    program = "fashion" if Path(sys.argv[0]).stem == "fashion" else "python -m fashion_lib"
    try:
        return _invoked(command, program, arguments)
    except OSError as error:
        if error.errno not in FULL:
            raise
        _discard_output()
        raise FashionError(
            f"the output cannot be written ({error.strerror}): free some space, or send it elsewhere."
        ) from error


def _invoked(command, program: str, arguments: list[str]) -> int:
    try:
        # Not command.main, which turns Ctrl-C and a closed pipe into exit codes of its own.
        with command.make_context(program, arguments) as context:
            command.invoke(context)
        if sys.stdout is not None:  # None where the program was started without an output
            sys.stdout.flush()
        return 0
    except typer.Exit as stopped:
        return stopped.exit_code
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's errors of usage have it, whichever click they are of
            raise
        where = getattr(getattr(error, "ctx", None), "command_path", program)
        raise FashionError(f"{error.format_message().rstrip('.')}: `{where} --help` says what there is.") from None


def _log(arguments: list[str]) -> Path:
    """Write the traceback of the error at hand into a file of its own, in build/ or else in the temporary folder."""
    text = f"fashion_lib {__version__}, arguments {arguments!r}\n\n{traceback.format_exc()}"
    name = f"error-{datetime.now():%Y%m%d-%H%M%S}-"
    try:
        folder = paths.build_dir()
        folder.mkdir(parents=True, exist_ok=True)
    except (FashionError, OSError):
        folder = None
    try:
        handle, file = tempfile.mkstemp(".log", name, folder)
    except OSError:
        handle, file = tempfile.mkstemp(".log", name)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as log:
        log.write(text)
    return Path(file)


def script() -> None:
    """Run the command line as an installed program, `fashion`."""
    sys.exit(main())

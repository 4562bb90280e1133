"""Execute notebooks through papermill: with parameters into an output file, or in place as they are committed.

Either way the settings are checked before a kernel starts, and a cell has a time limit. The kernel is the Python that
runs this. A file appears only when all cells ran; a failed notebook is kept beside it as *.failed.ipynb.
"""

import asyncio
import hashlib
import logging
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from fashion_lib.core import paths, progress, threads
from fashion_lib.core.errors import FashionError
from fashion_lib.course import parameters as notebook_parameters
from fashion_lib.course import sources

# ipykernel greets every start with a warning about unencrypted ports; a cell's own errors come as its output.
KERNEL_ARGUMENTS = ["--log-level=50"]
# Seconds a cell may take. A laptop cell trains for minutes at most; one with the papers' settings for days.
CELL_SECONDS = {"smoke": 600, "laptop": 1_800, "table": 3_600, "paper": 7 * 24 * 3_600}


def run_notebook(
    source: Path,
    output: Path,
    parameters: dict[str, Any] | None = None,
    *,
    profile: str | None = None,
    cell_seconds: int | None = None,
    inputs: str = "",
    force: bool = False,
    shown: str = "cells",
    ledger_alone: bool = False,
) -> bool:
    """Execute a notebook with parameters into an output file, unless that file is complete already.

    Complete means: every cell ran with the same source, parameters, profile and inputs.

    Args:
        source: the notebook.
        output: a file that ends in .ipynb.
        parameters: name -> value, for the cell tagged `parameters`.
        profile: FASHION_PROFILE of the kernel; None takes this process's. It decides the default of `cell_seconds`.
        cell_seconds: time limit per cell, in seconds.
        inputs: a text that names whatever else the outputs depend on.
        force: whether to execute even where the output is complete.
        shown: "cells" shows how many cells ran, "stderr" what the cells write to stderr, "" nothing.
        ledger_alone: whether tables leave out the runs of this machine that are not in the ledger.

    Returns:
        True if it ran, False if the output was complete.

    Raises:
        FashionError: a parameter is unknown or of a wrong type, or the output cannot be written; no kernel starts
            then. Also for a cell that failed or exceeded its time limit.
    """
    import papermill

    source, output = Path(source).resolve(), _resolved(output)
    parameters = dict(parameters or {})
    profile = profile or os.environ.get("FASHION_PROFILE") or ""
    notebook = sources.read(source)
    notebook_parameters.check(notebook, parameters, source.name)
    _check_output(output, source)
    identity = {
        "source_sha256": sources.source_digest(notebook, whole=True),
        "parameters": parameters,
        "inputs": inputs,
        "profile_override": profile,
    }
    if not force and is_complete(output, identity):
        return False

    partial, failed = output.with_suffix(".partial.ipynb"), output.with_suffix(".failed.ipynb")
    _check_writable(partial)
    started = time.monotonic()
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it logs is raised here as one sentence
    with _kernel_environment(profile, ledger_alone), _failure_kept(source.name, partial, failed):
        executed = papermill.execute_notebook(
            str(source),
            str(partial),
            parameters,
            kernel_name="python3",
            language="python",
            kernel_manager_class="fashion_lib.course.kernels.AsyncSocketFileKernelManager",
            execution_timeout=cell_seconds or CELL_SECONDS.get(profile, CELL_SECONDS["laptop"]),
            start_timeout=120,
            extra_arguments=KERNEL_ARGUMENTS,
            coalesce_streams=True,
            progress_bar=shown == "cells" and _cells_bar(notebook, output.stem),
            stderr_file=sys.stderr if shown == "stderr" else None,
            cwd=str(source.parent),
        )
        executed.metadata["fashion_run"] = identity | {"minutes": round((time.monotonic() - started) / 60, 3)}
        nbformat.write(executed, partial)
        os.replace(partial, output)
    failed.unlink(missing_ok=True)
    return True


def is_complete(output: Path, identity: dict[str, Any]) -> bool:
    """Return whether `output` holds a whole execution with this identity: source, parameters, inputs, profile."""
    if not os.path.isfile(output):
        return False
    try:
        recorded = nbformat.read(output, as_version=4).metadata.get("fashion_run", {})
    except Exception:  # any unreadable output is simply executed again
        return False
    return all(recorded.get(key) == value for key, value in identity.items())


def execute_committed(source: Path, profile: str | None, commit: str) -> float:
    """Execute a notebook in place with its default parameters, then clean and stamp it.

    The file changes only if every cell ran. Its tables show the ledger alone, since the stamp says so.

    Args:
        source: the notebook.
        profile: name of the profile, for FASHION_PROFILE and the stamp; None takes the notebook's own.
        commit: of the library, for the stamp.

    Returns:
        Wall-clock minutes of the execution.

    Raises:
        FashionError: a cell failed; the sentence names the failed copy in build/notebooks/.
    """
    source = Path(source)
    profile = profile or notebook_parameters.own_profile(sources.read(source), source.name)
    executed = paths.made(paths.build_dir() / "notebooks") / source.name
    executed.unlink(missing_ok=True)
    run_notebook(source, executed, profile=profile, force=True, ledger_alone=True)
    notebook = sources.read(executed)
    minutes = notebook.metadata["fashion_run"]["minutes"]
    nbformat.write(sources.stamp(notebook, profile, commit, minutes), executed)
    os.replace(executed, source)
    return minutes


def library_digest() -> str:
    """Return the SHA-256 over the library's Python files; another library may make other outputs."""
    digest = hashlib.sha256()
    folder = Path(__file__).resolve().parents[1]
    for file in sorted(folder.rglob("*.py")):
        digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()


def _resolved(output: Path) -> Path:
    """Return the output's absolute path.

    Raises:
        FashionError: no system takes the text as a path.
    """
    try:
        return Path(output).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise FashionError(f"The output {str(output)!r} is no path ({error}): name a file ending in .ipynb.") from None


def _check_output(output: Path, source: Path) -> None:
    folder = os.path.isdir(output)  # unlike Path's method no error for a name that is too long
    if output.suffix != ".ipynb" or folder:
        what = "is a folder" if folder else "does not end in .ipynb"
        raise FashionError(f"The output {output} {what}: name a file that ends in .ipynb, such as {source.name}.")
    if output == source:
        raise FashionError(
            f"The output {output} is the notebook itself, which would be overwritten: name another file, or use"
            " `python -m fashion_lib execute-notebooks` to execute it in place."
        )
    if _is_foreign(output):
        raise FashionError(
            f"The output {output} is another notebook, which no such command wrote and which would be overwritten: name"
            " another file, or remove that one."
        )


def _is_foreign(output: Path) -> bool:
    """Return whether a whole notebook stands at `output` that is no execution's, such as one of the course itself."""
    try:
        return "fashion_run" not in nbformat.read(output, as_version=4).metadata
    except Exception:  # none there, or an output that was cut off
        return False


def _check_writable(partial: Path) -> None:
    """Check that the execution can write its file: otherwise minutes of cells would run for nothing."""
    paths.made(partial.parent)
    try:
        partial.write_bytes(b"")
        partial.unlink()
    except OSError as error:
        raise FashionError(
            f"The output {partial.with_suffix('').with_suffix('.ipynb')} cannot be written ({error.strerror or error}):"
            " free some space, or name a file in another folder."
        ) from error


def _cells_bar(notebook: nbformat.NotebookNode, title: str) -> dict[str, Any]:
    """Return the settings of papermill's own bar of cells."""
    wanted = progress.settings(total=len(notebook.cells), desc=title, unit="cell", leave=False)
    return {name: value for name, value in wanted.items() if name != "total"}


@contextmanager
def _kernel_environment(profile: str, ledger_alone: bool):
    """Set the environment of kernels: this interpreter and this checkout come first. Undo it afterwards."""
    kernels = os.path.join(sys.prefix, "share", "jupyter")
    library = str(Path(__file__).resolve().parents[2])
    wanted = {
        "JUPYTER_PATH": os.pathsep.join(filter(None, [kernels, os.environ.get("JUPYTER_PATH")])),
        "PYTHONPATH": os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")])),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # silences the debugger's warning in every notebook's first output
        "FASHION_PROFILE": profile,
        paths.LEDGER_ALONE: "1" if ledger_alone else "",
        # A kernel's stderr is never a terminal, so this says whether this process's is one.
        progress.SETTING: "bar" if (seconds := progress.seconds_between_lines()) is None else str(seconds),
        **threads.environment(threads.chosen().threads),
        **paths.absolute_settings(),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _failure_kept(name: str, partial: Path, failed: Path):
    """Turn whatever stops a notebook into one FashionError, and keep what had been executed as `failed`."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        # The cell that was interrupted is a task without an owner now, and would complain about that at exit.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        partial.unlink(missing_ok=True)
        raise KeyboardInterrupt from None
    except Exception as error:
        advice = "mend it and run it again"
        if partial.is_file():
            os.replace(partial, failed)
            advice = f"what ran is kept in {failed}"
        raise FashionError(f"The notebook {name} stopped with {_cause(error)}: {advice}.") from error


def _cause(error: Exception) -> str:
    """Return one line that says what stopped a notebook: the cell's own exception where there is one."""
    kind = getattr(error, "ename", None) or type(error).__name__
    text = getattr(error, "evalue", None) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    where = f" in cell [{error.exec_count}]" if getattr(error, "exec_count", None) else ""
    return f"{kind}{where}" + (f" ({lines[0].rstrip('.')})" if lines else "")

"""Executes notebooks through papermill: with parameters into an output file, or in place as they are committed.

Either way the settings are checked before a kernel starts, a cell has a time limit, the kernel is the Python
that runs this, and a file appears only when all cells ran. A failed notebook is kept beside as *.failed.ipynb.
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
CELL_SECONDS = {"smoke": 600, "laptop": 1_800, "paper": 7 * 24 * 3_600}


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
) -> bool:
    """Executes `source` with `parameters` into `output`; True if it ran, False if `output` was complete.

    Complete means: every cell ran with the same source, parameters, profile and `inputs`, a text naming
    whatever else the outputs depend on. profile: what FASHION_PROFILE says to the kernel (None: as it is
    here); it also decides the default of cell_seconds. shown: "cells" shows how many cells ran, "stderr" what the cells
    write to stderr (their own progress), "" nothing.

    Raises FashionError for an unknown parameter, a wrong type and an output that cannot be written (no kernel is
    started then), for a failed cell and for a cell over its time limit.
    """
    import papermill

    source, output = Path(source).resolve(), _resolved(output)
    parameters = dict(parameters or {})
    profile = profile or os.environ.get("FASHION_PROFILE") or ""
    notebook = sources.read(source)
    notebook_parameters.check(notebook, parameters, source.name)
    _check_output(output, source)
    identity = {
        "source_sha256": sources.source_digest(notebook, imports=True),
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
    with _kernel_environment(profile), _failure_kept(source.name, partial, failed):
        executed = papermill.execute_notebook(
            str(source),
            str(partial),
            parameters,
            kernel_name="python3",
            language="python",
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
    """Whether `output` holds a whole execution of just this source, these parameters and these inputs."""
    if not os.path.isfile(output):
        return False
    try:
        recorded = nbformat.read(output, as_version=4).metadata.get("fashion_run", {})
    except Exception:  # any unreadable output is simply executed again
        return False
    return all(recorded.get(key) == value for key, value in identity.items())


def execute_committed(source: Path, profile: str, commit: str) -> float:
    """Executes a notebook in place with its default parameters, cleans and stamps it; returns the minutes.

    The file changes only if every cell ran; otherwise FashionError names the failed copy in build/notebooks/.
    """
    source = Path(source)
    executed = paths.made(paths.build_dir() / "notebooks") / source.name
    run_notebook(source, executed, profile=profile, force=True)
    notebook = sources.read(executed)
    minutes = notebook.metadata["fashion_run"]["minutes"]
    nbformat.write(sources.stamp(notebook, profile, commit, minutes), executed)
    os.replace(executed, source)
    return minutes


def library_digest() -> str:
    """SHA-256 over the library's Python files: outputs made by another library are not the same outputs."""
    digest = hashlib.sha256()
    folder = Path(__file__).resolve().parents[1]
    for file in sorted(folder.rglob("*.py")):
        digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()


def _resolved(output: Path) -> Path:
    """The output's absolute path; FashionError for what no system takes as one."""
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


def _check_writable(partial: Path) -> None:
    """Write and remove the file that the execution will write: minutes of cells must not run for nothing."""
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
    """What papermill's own bar of cells is made with."""
    wanted = progress.settings(total=len(notebook.cells), desc=title, unit="cell", leave=False)
    return {name: value for name, value in wanted.items() if name != "total"}


@contextmanager
def _kernel_environment(profile: str):
    """For kernels: this interpreter's own kernel first, this checkout's fashion_lib first; undone afterwards."""
    kernels = os.path.join(sys.prefix, "share", "jupyter")
    library = str(Path(__file__).resolve().parents[2])
    wanted = {
        "JUPYTER_PATH": os.pathsep.join(filter(None, [kernels, os.environ.get("JUPYTER_PATH")])),
        "PYTHONPATH": os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")])),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # silences the debugger's warning in every notebook's first output
        "FASHION_PROFILE": profile,
        # A kernel's stderr is never a terminal, so it is told what this process's is.
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
    """Turns whatever stops a notebook into one FashionError, and keeps what had been executed as `failed`."""
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
    """One line saying what stopped a notebook: the cell's own exception where there is one."""
    kind = getattr(error, "ename", None) or type(error).__name__
    text = getattr(error, "evalue", None) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    where = f" in cell [{error.exec_count}]" if getattr(error, "exec_count", None) else ""
    return f"{kind}{where}" + (f" ({lines[0].rstrip('.')})" if lines else "")

"""Executes notebooks: with parameters into an output file (papermill), or in place as they are committed (nbclient).

Either way the settings are checked before a kernel starts, a cell has a time limit, the kernel is the Python that runs
this, and a file appears only when all cells ran. A failed notebook is kept beside as *.failed.ipynb.
"""

import asyncio
import hashlib
import os
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from fashion_lib import notebook_parameters, notebook_sources, paths
from fashion_lib.errors import FashionError

# Seconds a single cell may take. A laptop cell trains for minutes at most; a cell of the papers' settings for days.
CELL_SECONDS = {"smoke": 300, "laptop": 1_800, "paper": 7 * 24 * 3_600}


def run_notebook(
    source: Path,
    output: Path,
    parameters: dict[str, Any] | None = None,
    *,
    cell_seconds: int = CELL_SECONDS["laptop"],
    inputs: str = "",
    force: bool = False,
    progress: str = "cells",
) -> bool:
    """Executes `source` with `parameters` into `output`; True if it ran, False if `output` was already complete.

    Complete means: every cell ran with the same source, the same parameters, the same FASHION_PROFILE and the same
    `inputs`, a text naming whatever else the outputs depend on. progress: "cells" draws a bar of cells, "stderr" shows what the cells write to
    stderr (their own bars), "" nothing.

    Raises FashionError for an unknown parameter or wrong type (no kernel is started then), for a failed cell, a cell over
    its time limit, and an output folder that cannot be written to.
    """
    import papermill

    source, output = Path(source), Path(output)
    parameters = dict(parameters or {})
    notebook = notebook_sources.read(source)
    notebook_parameters.check(notebook, parameters, source.name)
    identity = {
        "source_sha256": notebook_sources.source_digest(notebook),
        "parameters": parameters,
        "inputs": inputs,
        "profile_override": os.environ.get("FASHION_PROFILE", ""),
    }
    if not force and is_complete(output, identity):
        return False

    paths.made(output.parent)
    partial, failed = output.with_suffix(".partial.ipynb"), output.with_suffix(".failed.ipynb")
    started = time.monotonic()
    with _kernel_environment(), _failure_kept(source.name, partial, failed):
        executed = papermill.execute_notebook(
            str(source),
            str(partial),
            parameters,
            kernel_name="python3",
            execution_timeout=cell_seconds,
            start_timeout=120,
            progress_bar={"desc": output.stem, "leave": False} if progress == "cells" and sys.stderr.isatty() else False,
            stderr_file=sys.stderr if progress == "stderr" and sys.stderr.isatty() else None,
            cwd=str(source.parent),
        )
        executed.metadata["fashion_run"] = identity | {"minutes": round((time.monotonic() - started) / 60, 3)}
        nbformat.write(executed, partial)
        os.replace(partial, output)
    failed.unlink(missing_ok=True)
    return True


def is_complete(output: Path, identity: dict[str, Any]) -> bool:
    """Whether `output` holds a whole execution of just this source, these parameters and these inputs."""
    if not output.is_file():
        return False
    try:
        recorded = nbformat.read(output, as_version=4).metadata.get("fashion_run", {})
    except Exception:  # any unreadable output is simply executed again
        return False
    return all(recorded.get(key) == value for key, value in identity.items())


def execute_committed(source: Path, profile: str, commit: str, cell_seconds: int | None = None) -> float:
    """Executes a notebook in place with its default parameters at `profile`, cleans and stamps it; returns the minutes.

    The file changes only if every cell ran; otherwise FashionError names the failed copy in build/notebooks/.
    """
    from nbclient import NotebookClient

    notebook = notebook_sources.read(source)
    notebook_parameters.declared(notebook, source.name)
    started = time.monotonic()
    partial = paths.made(paths.build_dir() / "notebooks") / f"{source.stem}.partial.ipynb"
    client = NotebookClient(
        notebook,
        timeout=cell_seconds or CELL_SECONDS[profile],
        startup_timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(source.parent)}},
    )
    with _kernel_environment(FASHION_PROFILE=profile):
        with _failure_kept(source.name, partial, partial.with_name(f"{source.stem}.failed.ipynb"), notebook):
            client.execute()
            nbformat.write(notebook_sources.stamp(notebook, profile, commit), partial)
            os.replace(partial, source)
    return (time.monotonic() - started) / 60


def library_digest() -> str:
    """SHA-256 over the library's Python files: outputs made by another library are not the same outputs."""
    digest = hashlib.sha256()
    folder = Path(__file__).resolve().parent
    for file in sorted(folder.rglob("*.py")):
        digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _kernel_environment(**variables: str):
    """Environment for kernels: this interpreter's kernel first, this checkout's fashion_lib first; restored afterwards."""
    kernels = os.path.join(sys.prefix, "share", "jupyter")
    library = str(Path(__file__).resolve().parent.parent)
    wanted = {
        "JUPYTER_PATH": os.pathsep.join(filter(None, [kernels, os.environ.get("JUPYTER_PATH")])),
        "PYTHONPATH": os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")])),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # silences the debugger's warning in every notebook's first output
        **variables,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _failure_kept(name: str, partial: Path, failed: Path, notebook: nbformat.NotebookNode | None = None):
    """Turns whatever stops a notebook into one FashionError, and keeps what had been executed as `failed`."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        partial.unlink(missing_ok=True)
        raise KeyboardInterrupt from None
    except Exception as error:
        if notebook is not None:
            nbformat.write(notebook, partial)
        if partial.is_file():
            os.replace(partial, failed)
        raise FashionError(f"The notebook {name} stopped with {_cause(error)}: look at {failed}.") from error


def _cause(error: Exception) -> str:
    """One line saying what stopped a notebook: the cell's own exception where there is one."""
    kind = getattr(error, "ename", None) or type(error).__name__
    text = getattr(error, "evalue", None) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    where = f" in cell [{error.exec_count}]" if getattr(error, "exec_count", None) else ""
    return f"{kind}{where}" + (f" ({lines[0].rstrip('.')})" if lines else "")

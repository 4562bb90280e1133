"""Start the ranks of a training by torchrun and wait for their end; used by the tests of ranks."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def started(*arguments, runs: Path, count: int = 2, seconds: int = 120, **environment: str):
    """Start so many ranks by torchrun, whose folder of runs is `runs`, and wait for their end."""
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}"]
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        command += [f"--master-port={place.getsockname()[1]}", *arguments]
    path = os.pathsep.join(
        filter(None, [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH")])
    )  # torch may be there
    settings = os.environ | {"FASHION_RUNS": str(runs), "PYTHONPATH": path} | environment
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=seconds)


def told(result) -> list[str]:
    """Return the sentences of the ranks, without what torchrun itself writes."""
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]

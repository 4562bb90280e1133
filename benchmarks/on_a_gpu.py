"""All that a machine with a GPU has to show, in one command: python benchmarks/on_a_gpu.py FOLDER.

It runs the tests marked cuda and the benchmarks that have a GPU's numbers, one after the other, each with a limit of
time, and writes into FOLDER: summary.json (GPU, and how each part ended), tests.xml, tables.csv (every number of every
table, one per row), paper_steps.csv, curve.csv and log.txt. A part that fails or runs out of time stops no other one.
With --small the same parts run on a CPU at toy sizes, to try the command itself.

Nothing is installed or fetched. Needed are torch from 2.11 on and what `fashion_lib` imports; no notebook's packages.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"mark\.cuda\b")


def test_files() -> list[str]:
    """Return the files of tests marked cuda: collecting all tests would need packages that they do not."""
    found = (ROOT / "tests").rglob("test_*.py")
    return sorted(
        str(path.relative_to(ROOT)) for path in found if MARK.search(path.read_text(encoding="utf-8"))
    )


def parts(folder: Path, small: bool) -> dict[str, tuple[int, list[str]]]:
    """Return name -> most seconds, and the arguments of Python. The first ones matter most."""
    tests = ["-m", "pytest", "-q", "-m", "cuda", "-p", "no:cacheprovider", "--durations=10",
             f"--junitxml={folder / 'tests.xml'}", *test_files()]  # fmt: skip
    curve = ["--curve", str(folder / "curve.csv")]
    feed, step, precision = (f"benchmarks/{name}.py" for name in ("feed", "training_step", "precision"))
    paper_step, paper_training = "benchmarks/paper_step.py", "benchmarks/paper_training.py"
    checkpointing = "benchmarks/gradient_checkpointing.py"
    if small:
        toy = ["--steps", "2", "--images", "1200"]
        return {
            "tests": (600, tests),
            "feed": (120, [feed, "--images", "24", "--size", "32", "--steps", "2", "--repeats", "1"]),
            "paper_step": (120, [paper_step, "--systems", "asen.v2,ipad.code", "--steps", "1", "--images", "12",
                                 "--pixels", "32", "--backbone", "small", "--precision", "fp32"]),
            "paper_training": (120, [paper_training, *toy, *curve, "--size", "32", "--backbone", "small", "--batch",
                                     "12", "--precision", "fp32"]),
            "precision": (120, [precision, *toy, "--size", "32"]),
            "training_step": (120, [step, "--methods", "asen", "--steps", "1", "--repeats", "1"]),
            "gradient_checkpointing": (120, [checkpointing, "--backbone", "small", "--size", "32", "--repeats", "1"]),
        }  # fmt: skip
    return {
        "tests": (150, tests),
        "paper_step": (150, [paper_step, "--append", "--steps", "3", "--precision", "bf16"]),
        "training_step": (60, [step, "--methods", "asen,rpf,ipad", "--precision", "bf16", "--repeats", "2"]),
        "gradient_checkpointing": (60, [checkpointing]),
        "feed": (130, [feed, "--images", "480", "--steps", "6", "--repeats", "1"]),
        "paper_training": (150, [paper_training, *curve, "--steps", "150"]),
        "precision": (120, [precision, "--steps", "240", "--images", "6000"]),
    }


def run(arguments: list[str], limit: float, folder: Path) -> dict[str, object]:
    """Run a part; return its exit status, None where time ran out, and its seconds. Its words go to log.txt."""
    settings = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
                             "BENCHMARK_TABLES": str(folder / "tables.csv")}  # fmt: skip
    started = time.perf_counter()
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"== {' '.join(arguments)}\n")
        log.flush()
        try:
            done = subprocess.run(
                [sys.executable, *arguments], cwd=ROOT, env=settings, stdout=log, stderr=log, timeout=limit
            )
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = None
    return {"status": status, "seconds": round(time.perf_counter() - started, 1), "limit": round(limit)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default=os.environ.get("OUT", "build/on_a_gpu"), type=Path)
    parser.add_argument("--parts", default="", help="some of them, with commas")
    parser.add_argument("--seconds", type=float, default=480, help="of all parts together")
    parser.add_argument("--small", action="store_true", help="toy sizes, on a CPU too")
    options = parser.parse_args()
    gpu, folder = torch.cuda.is_available(), options.folder.resolve()
    if not (gpu or options.small):
        print("There is no GPU here: --small tries the command on a CPU.")
        return
    folder.mkdir(parents=True, exist_ok=True)
    if not gpu:
        os.environ["FASHION_GPU_TESTS"] = "cpu"
    device = torch.cuda.get_device_name() if gpu else "none: not run on a GPU"
    summary = {"GPU": device, "GPUs": torch.cuda.device_count(), "torch": torch.__version__,
               "CUDA": torch.version.cuda if gpu else "-", "parts": {}}  # fmt: skip
    end = time.perf_counter() + (3600 if options.small else options.seconds)
    for name, (limit, arguments) in parts(folder, options.small).items():
        if options.parts and name not in options.parts.split(","):
            continue
        left = end - time.perf_counter()
        summary["parts"][name] = run(arguments, min(limit, left), folder) if left > 5 else "no time was left"
        (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        print(name, summary["parts"][name], flush=True)
    shutil.copy(ROOT / "data" / "paper_steps.csv", folder)


if __name__ == "__main__":
    main()

"""What each precision costs and what it scores: one method, trained with each on the same batches.

Float32 is trained twice on a GPU: as it is, and with TF32, which torch allows in convolutions by default and here in
matrix products, too. The first training of a process also chooses kernels, so a short one comes before.
"""

import argparse
import os
import statistics
import tempfile

import torch
from stopwatch import report

from fashion_lib.runs.run import Run, load_or_train
from fashion_lib.training.profiles import PROFILES, Profile

GPU, CPU = ("fp32", "TF32", "bf16", "fp16"), ("fp32", "bf16")
HEADER = (
    "precision",
    "steps",
    "images/s",
    "peak GiB",
    "last loss",
    "loss scale",
    "validation MAP",
    "test MAP",
)


def trained(method: str, profile: Profile, name: str) -> Run:
    """Train a method in one precision, in a folder of its own, since TF32 is no setting of a run."""
    tensor_cores = "tf32" if name in ("TF32", "bf16", "fp16") else "ieee"
    torch.backends.cudnn.conv.fp32_precision = torch.backends.cuda.matmul.fp32_precision = tensor_cores
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FASHION_RUNS"] = folder
        profile = profile.with_options(precision="fp32" if name == "TF32" else name)
        return load_or_train(method, profile=profile, progress=False)


def line(name: str, run: Run) -> tuple:
    """Return the row of a run; the speed is the median of its history's entries."""
    entries, gpu = run.history.entries, torch.cuda.is_available()
    speed = statistics.median(entry["images_per_second"] for entry in entries)
    peak = f"{torch.cuda.max_memory_allocated() / 2**30:.2f}" if gpu else "-"
    best = run.history.best_map
    return (name, run.history.step, f"{speed:.0f}", peak, f"{entries[-1]['loss']:.4f}",
            f"{entries[-1].get('loss_scale', 1):.0f}", "-" if best is None else f"{100 * best:.1f}",
            f"{run.score():.1f}")  # fmt: skip


def main() -> None:
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="asen")
    parser.add_argument("--precisions", default=",".join(GPU if gpu else CPU))
    parser.add_argument("--steps", type=int, default=480 if gpu else 60)
    parser.add_argument("--images", type=int, default=12_000 if gpu else 2_400, help="drawn pictures")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures in pixels")
    options = parser.parse_args()
    profile = PROFILES["laptop"].with_options(
        steps=options.steps, wardrobe_images=options.images, image_size=options.size, evaluations=1
    )
    names, lines = options.precisions.split(","), []
    trained(options.method, profile.with_options(steps=2, evaluations=0), names[0])
    for name in names:
        if gpu:
            torch.cuda.reset_peak_memory_stats()
        lines.append(line(name, trained(options.method, profile, name)))
    where = torch.cuda.get_device_name() if gpu else "not run on a GPU"
    title = f"{options.method}, {options.images} pictures of {options.size} px, batch {profile.batch_size}; {where}"
    report(title, lines, HEADER)


if __name__ == "__main__":
    main()

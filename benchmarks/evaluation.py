"""MAP of one attribute: the library against the form of released research code, one thread each, same embeddings.

The released form: one float32 matrix product and then, query by query, argsort, a list comprehension for relevance and
a Python loop for average precision. The library finds its other metrics in the same time. Beside it stand the
quickest spelling of the same comprehension, and the library's exact order found by a stable sort of float64.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy and torch are imported

import numpy as np
import torch
from stopwatch import report, seconds

from fashion_lib.data.label_table import Labels
from fashion_lib.tasks.retrieval.evaluation import score_attribute
from fashion_lib.tasks.retrieval.metrics import average_precision
from fashion_lib.tasks.retrieval.ranking import STEPS_PER_UNIT

AIM = 4


def released(query, gallery, query_values, values, quick: bool = False) -> list[float]:
    similarities = np.matmul(query, gallery.T)
    found = []
    for row, wanted in zip(similarities, query_values, strict=True):
        order = np.argsort(-row)
        if quick:
            relevant = [value == wanted for value in values[order]]
        else:
            relevant = [values[candidate] == wanted for candidate in order]
        hits, total = 0, 0.0
        for position, hit in enumerate(relevant, start=1):
            if hit:
                hits += 1
                total += hits / position
        found.append(total / hits if hits else 0.0)
    return found


def stable_sort(query, gallery, query_values, values, chunk: int = 128) -> np.ndarray:
    q, g = (torch.round(torch.nn.functional.normalize(torch.from_numpy(side).double(), dim=1) * STEPS_PER_UNIT)
            for side in (query, gallery))
    found = []
    for start in range(0, len(q), chunk):
        order = torch.sort(q[start:start + chunk] @ g.T, dim=1, descending=True, stable=True).indices.numpy()
        found.append(average_precision(values[order] == query_values[start:start + chunk, None]))
    return np.concatenate(found)


def size(text: str) -> tuple[int, int]:
    queries, candidates = map(int, text.split("x"))
    return queries, candidates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=size, nargs="+", default=[(700, 2734), (1000, 8000)],
                        metavar="QUERIESxCANDIDATES", help="default: 700x2734 1000x8000")
    parser.add_argument("--dim", type=int, default=128, help="embedding dimensions (the small backbone has 128)")
    parser.add_argument("--values", type=int, default=6, help="values of the attribute")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    for queries, candidates in options.sizes:
        vectors = rng.standard_normal((queries + candidates, options.dim)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        values = rng.integers(0, options.values, len(vectors))
        task = vectors[:queries], vectors[queries:], values[:queries], values[queries:]
        images = np.arange(len(vectors))
        sides = [Labels(images[part], np.zeros_like(images[part]), values[part])
                 for part in (slice(queries), slice(queries, None))]
        ways = {"library": lambda task=task, sides=sides: score_attribute(*task[:2], *sides)["map"],
                "stable float64 sort": lambda task=task: stable_sort(*task),
                "released form": lambda task=task: released(*task),
                "released form, quickest spelling": lambda task=task: released(*task, quick=True)}
        maps = ways["library"]()
        np.testing.assert_array_equal(maps, ways["stable float64 sort"]())
        np.testing.assert_allclose(maps, ways["released form"](), atol=1e-3)  # float32 swaps near ties
        found = seconds(ways, options.repeats)
        report(f"MAP of {queries:,} queries x {candidates:,} candidates, {options.dim} dimensions",
               [(name, f"{time:.3f}", f"{time / found['library']:.1f}") for name, time in found.items()],
               ("way", "seconds", "times the library"))
        ratio = found["released form"] / found["library"]
        print(f"speed-up over the released form: {ratio:.1f} (aim >= {AIM})\n")


if __name__ == "__main__":
    main()

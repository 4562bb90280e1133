"""MAP of 2,000 queries x 8,000 candidates: the library against a plain Python loop over the same embeddings.

The loop runs on a few queries and its time is scaled up linearly (every query costs it the same). Its second line gets
the similarities from one matrix product for free, as most released evaluation scripts do, and loops over the rest.
"""

import argparse

import numpy as np
import torch
from stopwatch import report, seconds

from fashion_lib.tasks.retrieval.evaluation import rank
from fashion_lib.tasks.retrieval.metrics import average_precision


def library(query, gallery, query_values, values) -> np.ndarray:
    return np.concatenate([average_precision(values[order] == query_values[rows, None])
                           for rows, order in rank(query, gallery)])


def loop_over_ranks(similarities: list[float], wanted: int, values: list[int]) -> float:
    order = sorted(range(len(values)), key=lambda candidate: (-similarities[candidate], candidate))
    hits, total = 0, 0.0
    for position, candidate in enumerate(order, start=1):
        if values[candidate] == wanted:
            hits += 1
            total += hits / position
    return total / hits if hits else 0.0


def plain_loop(query: list, gallery: list, query_values: list[int], values: list[int]) -> list[float]:
    found = []
    for vector, wanted in zip(query, query_values, strict=True):
        similarities = [sum(x * y for x, y in zip(vector, other, strict=True)) for other in gallery]
        found.append(loop_over_ranks(similarities, wanted, values))
    return found


def loop_after_matmul(query, gallery, query_values: list[int], values: list[int]) -> list[float]:
    return [loop_over_ranks(row, wanted, values)
            for row, wanted in zip((query @ gallery.T).tolist(), query_values, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--candidates", type=int, default=8000)
    parser.add_argument("--dim", type=int, default=128, help="embedding dimensions (the small backbone has 128)")
    parser.add_argument("--values", type=int, default=6, help="values of the attribute")
    parser.add_argument("--loop-queries", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    count = min(options.loop_queries, options.queries)
    query, gallery = (torch.nn.functional.normalize(torch.from_numpy(rng.standard_normal((n, options.dim))), dim=1)
                      for n in (options.queries, options.candidates))
    query_values, values = (rng.integers(0, options.values, n) for n in (options.queries, options.candidates))
    few = query[:count].tolist(), gallery.tolist(), query_values[:count].tolist(), values.tolist()
    np.testing.assert_allclose(plain_loop(*few), library(query, gallery, query_values, values)[:count], atol=1e-6)
    names = "library", "plain Python loop", "loop after a matrix product"
    found = seconds({names[0]: lambda: library(query, gallery, query_values, values),
                     names[1]: lambda: plain_loop(*few),
                     names[2]: lambda: loop_after_matmul(query[:count], gallery, few[2], few[3])}, options.repeats)
    full = {name: time * (1 if name == names[0] else options.queries / count) for name, time in found.items()}
    report(f"MAP of {options.queries:,} queries x {options.candidates:,} candidates, {options.dim} dimensions; loops on"
           f" {count} queries, scaled", [(name, f"{time:.2f}", f"{time / full[names[0]]:.1f}")
                                         for name, time in full.items()], ("way", "seconds", "times the library"))
    print(f"speed-up over the plain Python loop: {full[names[1]] / full[names[0]]:.0f} (target >= 50)")


if __name__ == "__main__":
    main()

"""What feature reasoning costs: milliseconds a query, with and without it, for several lengths and feature sizes.

Ranking alone is the similarity of a query with the whole gallery and a sort; FR then reasons about the first n_r - 1.
Features are random: the cost does not depend on what they say.
"""

import argparse

import torch
import torch.nn.functional as F
from stopwatch import report, seconds

from fashion_lib.tasks.retrieval.ranking import rank
from fashion_lib.tasks.retrieval.reranking import FeatureReasoning, Reranker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=16)
    parser.add_argument("--gallery", type=int, default=2000)
    parser.add_argument("--lengths", default="100,500", help="n_r, query included; the paper's is 500")
    parser.add_argument("--dimensions", default="256,2048", help="D: 2 x 128 in the course, 2 x 1024 in the paper")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    lines, reasoning = [], FeatureReasoning()
    for size in map(int, options.dimensions.split(",")):
        query, gallery = (F.normalize(torch.randn(n, size), dim=1) for n in (options.queries, options.gallery))
        tasks = {"ranking": lambda query=query, gallery=gallery: [*rank(query, gallery)]}
        orders = [order for _, order in rank(query, gallery, budget_mib=1e6)][0]
        for length in map(int, options.lengths.split(",")):
            reranker = Reranker(reasoning, length)
            tasks[length] = lambda r=reranker, query=query, gallery=gallery, order=orders: r(query, gallery, order)
        found = {name: 1000 * time / options.queries for name, time in seconds(tasks, options.repeats).items()}
        for length in [name for name in found if name != "ranking"]:
            lines.append((size, length, f"{found['ranking']:.1f}", f"{found[length]:.1f}"))
    title = f"feature reasoning, {options.queries} queries against {options.gallery} candidates"
    report(title, lines, ("D", "n_r", "ranking, ms a query", "FR, ms a query"))


if __name__ == "__main__":
    main()

"""Exercises of notebook 02: average precision, NDCG, chance, and whose number the overall MAP is."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Function, Number
from fashion_lib.tasks.retrieval import metrics

RANKINGS = {
    "the ranking 1 0 1": ([1, 0, 1],),
    "the ranking 0 1 1 0 1": ([0, 1, 1, 0, 1],),
    "a perfect ranking": ([1, 1, 0, 0],),
    "a ranking without a relevant candidate": ([0, 0, 0],),
    "a list of one": ([1],),
}

AP_START = '''
def my_average_precision(relevance):
    """relevance: a list of 0 and 1, best candidate first. Returns one number."""
    return None  # write your code here
'''

AP_SOLUTION = '''
def my_average_precision(relevance):
    """relevance: a list of 0 and 1, best candidate first. Returns one number."""
    hits, total = 0, 0.0
    for rank, relevant in enumerate(relevance, start=1):
        if relevant:
            hits += 1
            total += hits / rank
    return total / hits if hits else 0.0
'''

AVERAGE_PRECISION = Exercise(
    id="02.1",
    title="Write it yourself: average precision",
    question=(
        "Write a function that takes the relevance of one ranked list and returns its average precision (AP)."
        " AP is the mean, over the relevant candidates, of the precision at their ranks. Use a loop, and nothing"
        " of the library. A list without a relevant candidate scores 0."
    ),
    start=AP_START,
    solution=AP_SOLUTION,
    form=Function(RANKINGS),
    oracle=lambda relevance: metrics.average_precision([relevance])[0],
    wrong=(
        Wrong(
            "def my_average_precision(relevance):\n"
            "    total = sum(sum(relevance[:k]) / k for k, r in enumerate(relevance, start=1) if r)\n"
            "    return total / len(relevance)",
            "You divide by the length of the list. AP is a mean over the relevant candidates only, so a perfect"
            " ranking must score 1.",
        ),
        Wrong(
            "def my_average_precision(relevance):\n"
            "    precisions = [sum(relevance[:k]) / k for k in range(1, len(relevance) + 1)]\n"
            "    return sum(precisions) / len(precisions)",
            "You average the precision at every rank. Only the ranks of relevant candidates count.",
        ),
        Wrong(
            "def my_average_precision(relevance):\n"
            "    ranks = [k for k, r in enumerate(relevance, start=1) if r]\n"
            "    return sum(1 / k for k in ranks) / max(1, len(ranks))",
            "You add 1/rank for each relevant candidate. The precision at a rank counts all relevant candidates"
            " up to there, not only this one.",
        ),
    ),
    hints=(
        "Walk through the list with `enumerate(relevance, start=1)`: the first rank is 1.",
        "Keep two numbers: how many relevant candidates you have met, and the sum of the precisions so far.",
        "At a relevant candidate, raise the count first, then add count/rank to the sum. What do you divide by"
        " at the end, and when is that 0?",
    ),
    because="Your function agrees with the library's on all lists, the one without a relevant candidate included.",
    otherwise="Work out the list 1 0 1 on paper: the precision at each relevant rank, then the mean of these. A list"
    " without a relevant candidate scores 0.",
    points=3,
)

NDCG_START = '''
import numpy as np


def my_ndcg(gains, k):
    """gains: a list of numbers >= 0, best candidate first. Returns one number."""
    return None  # write your code here
'''

NDCG_SOLUTION = '''
import numpy as np


def my_ndcg(gains, k):
    """gains: a list of numbers >= 0, best candidate first. Returns one number."""
    def dcg(ranked):
        return sum(gain / np.log2(rank + 1) for rank, gain in enumerate(ranked[:k], start=1))

    best = dcg(sorted(gains, reverse=True))
    return dcg(gains) / best if best > 0 else 0.0
'''

NDCG = Exercise(
    id="02.2",
    title="Near misses: NDCG with graded gains",
    question=(
        "The values of `sleeve_length` are in order, so a wrong answer can be nearly right. With value ids $v$"
        " and $v'$ of $V$ values, a candidate may get the gain $1 - |v - v'| / (V - 1)$. Write the function that"
        " turns such gains into NDCG@k, as section 7 defines it. A list without any gain scores 0."
    ),
    start=NDCG_START,
    solution=NDCG_SOLUTION,
    form=Function(
        {
            "the gains 0.5 1 0 0.5 at k = 3": ([0.5, 1.0, 0.0, 0.5], 3),
            "the gains 0 0.25 0 1 at k = 2": ([0.0, 0.25, 0.0, 1.0], 2),
            "a perfect order": ([1.0, 0.5, 0.0], 2),
            "a list without gain": ([0.0, 0.0], 2),
            "a list that is shorter than k": ([0.5, 1.0], 5),
        }
    ),
    oracle=lambda gains, k: metrics.ndcg_at_k([gains], k)[0],
    wrong=(
        Wrong(
            "import numpy as np\n\n\ndef my_ndcg(gains, k):\n"
            "    discount = [1 / np.log2(rank + 1) for rank in range(1, k + 1)]\n"
            "    return sum(g * d for g, d in zip(gains, discount)) / sum(discount)",
            "You divide by the sum for a list of k ones. The best possible order of this list may have smaller"
            " gains, so a perfect order would stay below 1.",
        ),
        Wrong(
            "import numpy as np\n\n\ndef my_ndcg(gains, k):\n"
            "    def dcg(ranked):\n"
            "        return sum(g / np.log2(r + 1) for r, g in enumerate(ranked[:k], start=1))\n"
            "    best = dcg(sorted(gains[:k], reverse=True))\n    return dcg(gains) / best if best else 0.0",
            "You sort the first k gains only. The best order may bring a candidate from below rank k to the top.",
        ),
        Wrong(
            "def my_ndcg(gains, k):\n    best = sum(sorted(gains, reverse=True)[:k])\n"
            "    return sum(gains[:k]) / best if best else 0.0",
            "The rank plays no role in your sum. A gain must count less the lower it stands.",
        ),
    ),
    hints=(
        "Write a small function for DCG first, and call it twice.",
        "The ideal order is the whole list, sorted from the largest gain to the smallest; the cut at k comes"
        " after that.",
        "The discount at rank j is log2(j + 1), so that the first rank divides by log2(2) = 1.",
    ),
    because="The library's `ndcg_at_k` gives the same numbers.",
    otherwise="Check the discount of the first rank, what is sorted for the ideal order, and where the list is cut. A"
    " list without any gain scores 0.",
    points=2,
)

CHANCE = Exercise(
    id="02.3",
    title="What does a blind choice score?",
    question=(
        "A list has three candidates, and exactly one is relevant. All orders are equally likely. What is the"
        " expected average precision? Give a number between 0 and 1, with three digits."
    ),
    start="answer_3 = None  # a number",
    solution="answer_3 = (1 / 1 + 1 / 2 + 1 / 3) / 3",
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_3 = 1 / 3",
            "That is the share of relevant candidates. The expected AP is higher, because a hit at an early rank"
            " counts much.",
        ),
        Wrong(
            "answer_3 = 1 / 2",
            "That is the AP at the middle rank. A mean of AP over ranks is not the AP of the mean rank.",
        ),
        Wrong(
            "answer_3 = 1 + 1 / 2 + 1 / 3",
            "You added the AP of the three orders; an expectation also divides by how many there are. AP is"
            " never above 1.",
        ),
    ),
    hints=(
        "The relevant candidate stands at rank 1, 2 or 3, each with the same probability.",
        "Write down the AP for each of the three ranks, then take the mean.",
    ),
    because="A random order of a short list scores far above the share of relevant candidates: compare with"
    " chance, not with 0.",
    otherwise="Write down the AP for each place of the relevant candidate.",
)

OVERALL = Exercise(
    id="02.4",
    title="Overall and macro",
    question=(
        "A method has these MAPs (%): `colour` 60 with 600 queries, `sleeve_length` 30 with 300, `lapel_design`"
        " 30 with 100. Give two numbers: *overall*, the mean over all queries, and *macro*, the mean over"
        " attributes."
    ),
    start="answer_4 = None  # a list of two numbers: [overall, macro]",
    solution=(
        "import numpy as np\n\n"
        "scores, queries = np.array([60, 30, 30]), np.array([600, 300, 100])\n"
        "answer_4 = [np.average(scores, weights=queries), scores.mean()]"
    ),
    form=Number(0.05),
    wrong=(
        Wrong(
            "answer_4 = [40, 48]",
            "The two numbers stand in the wrong order. Which of them follows the attribute with the most queries?",
        ),
        Wrong(
            "answer_4 = [40, 40]",
            "You gave each attribute the same weight in both. In one of the two, each *query* has the same weight.",
        ),
        Wrong(
            "answer_4 = [48, 45]",
            "The second is the middle of the best and the worst score. The mean over attributes adds all three.",
        ),
    ),
    hints=(
        "`np.average(values, weights=...)` weights each attribute by its number of queries.",
        "Overall: how many percentage points do 600 queries of 60 % add, if all 1000 count alike? Macro: the"
        " numbers of queries play no role.",
    ),
    because="Without `colour` both means would be 30. One easy attribute with many queries can carry an overall"
    " number.",
    otherwise="Overall weights each attribute by its queries; macro gives each attribute the weight 1/3.",
)

EXERCISES = (AVERAGE_PRECISION, NDCG, CHANCE, OVERALL)

EXPLORE = (
    "**A better simple baseline.** Change the histogram: more bins, another crop, or hue instead of RGB. How far"
    " does `easy` get, and does any other attribute move? Start with `fl.evaluate(ColourHistogram(data.schema,"
    ' bins=8), data, "valid").map`: the validation split, since you are choosing.',
)

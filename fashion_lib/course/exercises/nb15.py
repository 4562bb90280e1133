"""Exercises of notebook 15: chance in a gallery, NDCG without credit for what stayed, and what a table may say."""

import numpy as np

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.tasks.retrieval.metrics import ndcg_at_k

HALVED = Exercise(
    id="15.1",
    title="A smaller gallery",
    question=(
        "A query has 8 matches among 960 pictures. What is the expected Top-10 accuracy of a random order, in"
        " percent? Give three numbers: for the whole gallery, for one of 480 pictures with 4 matches, and for one"
        " of 480 with all 8. You may use `random_recall_at_k` of"
        " `fashion_lib.tasks.retrieval.metrics`."
    ),
    start="answer_1 = None  # a list of three percentages",
    solution=(
        "from fashion_lib.tasks.retrieval.metrics import random_recall_at_k\n\n"
        "answer_1 = [100 * float(random_recall_at_k(m, g, 10)) for m, g in ((8, 960), (4, 480), (8, 480))]"
    ),
    form=Number(0.05),
    wrong=(
        Wrong(
            "answer_1 = [8.333, 8.333, 16.667]",
            "You multiplied the share of matches by ten. That counts lists with two matches twice.",
        ),
        Wrong(
            "answer_1 = [0.8333, 0.8333, 1.6667]",
            "Those are the shares of matches. Top-10 needs one match among the first ten.",
        ),
        Wrong(
            "from fashion_lib.tasks.retrieval.metrics import random_recall_at_k\n\n"
            "answer_1 = [100 - 100 * float(random_recall_at_k(m, g, 10)) for m, g in ((8, 960), (4, 480), (8, 480))]",
            "Those are the probabilities to miss. Take the complement.",
        ),
    ),
    hints=(
        "The probability that none of the first ten matches is a product; see the beginning of the notebook.",
        "`random_recall_at_k(matches, gallery, k)` returns a share between 0 and 1.",
    ),
    because="Half the gallery with half the matches changes nearly nothing; half the gallery with all matches"
    " nearly doubles it.",
    otherwise="Compute the probability of a miss, step by step, for each of the three. Give percent, not shares.",
)

STRICT_START = '''
import numpy as np


def strict_ndcg(relevance, changed_right, k):
    """relevance: (N,), shares of right attributes, best-ranked first; changed_right: bool (N,).

    Returns NDCG@k in which a picture with the changed attribute wrong gains nothing.
    """
    return None  # write your code here
'''

STRICT_SOLUTION = '''
import numpy as np


def strict_ndcg(relevance, changed_right, k):
    """relevance: (N,), shares of right attributes, best-ranked first; changed_right: bool (N,).

    Returns NDCG@k in which a picture with the changed attribute wrong gains nothing.
    """
    gain = np.asarray(relevance) * np.asarray(changed_right)
    discount = 1 / np.log2(np.arange(2, len(gain) + 2))
    best = (np.sort(gain)[::-1][:k] * discount[:k]).sum()
    return (gain[:k] * discount[:k]).sum() / best if best > 0 else 0.0
'''

STRICT = Exercise(
    id="15.2",
    title="No credit for what stayed",
    question=(
        "NDCG with partial credit rewards a picture for labels that the query already had. Write an NDCG@k with linear"
        " gain in which a picture gains its relevance only if the *changed* attribute is right. The ideal is the"
        " best order of these gains. Without any gain the score is 0."
    ),
    start=STRICT_START,
    solution=STRICT_SOLUTION,
    form=Function(
        {
            "five pictures at k = 3": (
                np.array([2 / 3, 1.0, 1 / 3, 2 / 3, 1 / 3]),
                np.array([0, 1, 0, 1, 1]).astype(bool),
                3,
            ),
            "a best order": (np.array([1.0, 2 / 3, 2 / 3]), np.array([1, 1, 0]).astype(bool), 3),
            "nothing changed": (np.array([2 / 3, 2 / 3]), np.array([0, 0]).astype(bool), 2),
        }
    ),
    oracle=lambda relevance, right, k: ndcg_at_k([relevance * right], k)[0],
    wrong=(
        Wrong(
            STRICT_SOLUTION.replace(" * np.asarray(changed_right)", ""),
            "A picture exactly like the query still gains most of its score. Where does the changed attribute enter?",
        ),
        Wrong(
            STRICT_SOLUTION.replace("np.sort(gain)[::-1]", "np.sort(relevance)[::-1]"),
            "Your ideal uses the old gains, so even the best order of this gallery gets a score below 1.",
        ),
        Wrong(
            STRICT_SOLUTION.replace(
                "np.asarray(relevance) * np.asarray(changed_right)", "np.asarray(changed_right).astype(float)"
            ),
            "You count the changed attribute only. Among pictures that have it, the others still make a difference.",
        ),
    ),
    hints=(
        "Make the new gains first: relevance where the changed attribute is right, 0 elsewhere.",
        "Then it is NDCG as in notebook 02, and the ideal sorts the *new* gains.",
    ),
    because="A search that ignores the operation now scores near 0, as it should.",
    otherwise="Both the sum and the ideal use the new gains.",
    points=2,
)

BOTH = Exercise(
    id="15.3",
    title="Does the part help?",
    question=(
        "Four steps in Top-10 accuracy over three seeds, each as mean ± spread of the differences seed by seed:\n\n"
        "| step | difference |\n|---|--:|\n"
        "| baseline → new loss | +6.0 ± 1.2 |\n"
        "| baseline → attention | +1.0 ± 0.9 |\n"
        "| attention → both | +4.0 ± 1.4 |\n"
        "| new loss → both | −1.0 ± 0.6 |\n\n"
        "A step counts if its 95 % interval, mean ± 4.30 · spread / √3, does not hold 0. Which sentences does this"
        " rule support? Answer with all true letters in one text.\n\n"
        "- **a** The new loss helps on top of the baseline.\n"
        "- **b** Attention helps on top of the baseline.\n"
        "- **c** The new loss helps on top of attention.\n"
        "- **d** Attention harms on top of the new loss."
    ),
    start='answer_3 = None  # letters in one text, such as "bd"',
    solution='answer_3 = "ac"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong('answer_3 = "a"', "That one holds. But the new loss was added a second time: to which row?"),
        Wrong(
            'answer_3 = "abcd"',
            "Each mean exceeds its spread, but that is not enough. The interval of three seeds is wider.",
        ),
        Wrong('answer_3 = "acd"', "A step down needs an interval without 0 as well."),
    ),
    hints=(
        "There are four steps: each part on top of the baseline, and on top of the other part.",
        "4.30 / √3 is 2.48. Compare the size of each mean with 2.48 times its spread.",
    ),
    because="A part is tested twice, and a small step in either direction is no claim.",
    otherwise="Write both ends of each interval. Only an interval without 0 supports a claim.",
)

EXERCISES = (HALVED, STRICT, BOTH)

EXPLORE = (
    "Train a loss that no table here has, with three seeds: `make reproduce PROFILE=table SEEDS=0,1,2"
    " METHODS=yao2026.default+loss=triplet` (attention and triplet losses). Between which rows of table 2 does it"
    " fall?",
    "Change two attributes with one operation: `fl.load_or_train(..., changes=2)` trains and scores it. Which of"
    " the four methods loses most?",
)

"""Exercises of notebook 21: raw labels, the chance of a hit among the first k, a ceiling, and what proves a list."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.tasks.retrieval.metrics import random_recall_at_k

RAW_START = '''
def value_counts(answers):
    """answers: raw labels of one attribute, such as ["nnyn", "ymnn"]. Returns one count per value, as a list."""
    return None  # write your code here
'''

RAW_SOLUTION = '''
def value_counts(answers):
    """answers: raw labels of one attribute, such as ["nnyn", "ymnn"]. Returns one count per value, as a list."""
    counts = [0] * len(answers[0])
    for answer in answers:
        counts[answer.index("y")] += 1
    return counts
'''

RAW = Exercise(
    id="21.1",
    title="Six rows of raw labels",
    question=(
        "Count the pictures of each value from FashionAI's raw labels, as the papers' lists do. **y** marks the"
        " value, **n** is no, and **m** (maybe) beside a *y* changes nothing. Return one count per value, zeros"
        " included."
    ),
    start=RAW_START,
    solution=RAW_SOLUTION,
    form=Function(
        {
            "six rows": (["nnyn", "ymnn", "nymn", "nnyn", "nnym", "ynnn"],),
            "two rows": (["nynnn", "nnnmy"],),
            "a row with two m": (["mym"],),
        }
    ),
    wrong=(
        Wrong(
            "def value_counts(answers):\n"
            "    counts = [0] * len(answers[0])\n"
            "    for answer in answers:\n"
            "        if 'm' not in answer:\n"
            "            counts[answer.index('y')] += 1\n"
            "    return counts",
            "You drop the rows with an m. That is another data set: the papers' lists keep them.",
        ),
        Wrong(
            "def value_counts(answers):\n"
            "    return [sum(answer[k] in 'ym' for answer in answers) for k in range(len(answers[0]))]",
            "You count an m like a y, so one picture has several values.",
        ),
        Wrong(
            "def value_counts(answers):\n"
            "    found = [answer.index('y') for answer in answers]\n"
            "    return [found.count(k) for k in sorted(set(found))]",
            "Values without a picture are missing in your list, so the places no longer say which value is meant.",
        ),
    ),
    hints=(
        '`answer.index("y")` is the number of the value, counted from 0.',
        "Start with a list of zeros, one per letter of a row, and add 1 at the right place.",
    ),
    because="Each row counts once, at the place of its y.",
    otherwise="The sum of all counts is the number of rows.",
    points=2,
)

HIT_START = '''
def chance_of_a_hit(relevant, candidates, k):
    """relevant: R of N candidates; k: how many are looked at. Returns the probability of at least one relevant one."""
    return None  # write your code here
'''

HIT_SOLUTION = '''
def chance_of_a_hit(relevant, candidates, k):
    """relevant: R of N candidates; k: how many are looked at. Returns the probability of at least one relevant one."""
    miss = 1.0
    for seen in range(min(k, candidates)):
        miss *= max(0, candidates - relevant - seen) / (candidates - seen)
    return 1 - miss
'''

HIT = Exercise(
    id="21.2",
    title="The chance of a hit among the first k",
    question=(
        "$N$ candidates, $R$ of them relevant, stand in a random order. What is the probability that at least"
        " one relevant candidate is among the first $k$? Derive the probability of no hit first, one rank"
        " after the other. Write the function."
    ),
    start=HIT_START,
    solution=HIT_SOLUTION,
    form=Function(
        {
            "2 of 5, k = 2": (2, 5, 2),
            "1 of 10, k = 3": (1, 10, 3),
            "no relevant one": (0, 8, 4),
            "a miss is impossible": (4, 6, 3),
            "8 of 960, k = 10": (8, 960, 10),
        }
    ),
    oracle=lambda relevant, candidates, k: float(random_recall_at_k(relevant, candidates, k)),
    wrong=(
        Wrong(
            "def chance_of_a_hit(relevant, candidates, k):\n    return 1 - (1 - relevant / candidates) ** k",
            "You put each candidate back after looking at it. In a ranking a candidate stands at one rank only.",
        ),
        Wrong(
            "def chance_of_a_hit(relevant, candidates, k):\n    return min(1.0, k * relevant / candidates)",
            "You add the probabilities of the k ranks. Orders with two relevant ones are then counted twice.",
        ),
        Wrong(
            "def chance_of_a_hit(relevant, candidates, k):\n"
            "    miss = 1.0\n"
            "    for seen in range(min(k, candidates)):\n"
            "        miss *= max(0, candidates - relevant - seen) / (candidates - seen)\n"
            "    return miss",
            "That is the probability of a *miss*.",
        ),
    ),
    hints=(
        "The first candidate is irrelevant with probability (N − R)/N. And the second, if the first was?",
        "Multiply k such fractions: both the numerator and the denominator fall by 1 each time.",
        "A hit is what is left. If there are fewer irrelevant ones than k, a miss is impossible.",
    ),
    because="It equals the library's `random_recall_at_k`, the floor of a Top-k accuracy.",
    otherwise="Check 2 of 5 with k = 2 by listing the ten pairs of first candidates.",
    points=2,
)

CEILING = Exercise(
    id="21.3",
    title="A network that makes no mistake",
    question=(
        "A query for *floral* has 6 candidates. Four of them are floral, but only two were *listed* for floral;"
        " the other two were listed for another value and count as wrong. The network puts the four floral ones"
        " first, in a random order. What is its expected AP? Give three digits."
    ),
    start="answer_3 = None  # a number between 0 and 1",
    solution=(
        "from itertools import combinations\n\nplaces = list(combinations(range(1, 5), 2))\n"
        "answer_3 = sum((1 / first + 2 / second) / 2 for first, second in places) / len(places)"
    ),
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_3 = 1.0", "It would be so if all floral candidates counted as right. Two of them do not."
        ),
        Wrong(
            "answer_3 = 2 / 4",
            "That is the share of right ones among the first four. AP counts early ranks more.",
        ),
        Wrong(
            "from fashion_lib.tasks.retrieval.metrics import random_average_precision\n\n"
            "answer_3 = float(random_average_precision(2, 6))",
            "That is the floor: a random order of all six. Here the last two are never in front.",
        ),
    ),
    hints=(
        "The two right ones stand at two of the first four ranks, and all pairs of ranks are equally likely.",
        "Compute the AP for each of the six pairs of ranks, then the mean. `itertools.combinations` lists the pairs.",
    ),
    because="The ceiling is the formula of the floor with the number of candidates that *have* the value.",
    otherwise="List the possible pairs of ranks of the two listed candidates.",
)

PROOF = Exercise(
    id="21.4",
    title="What does an equal number prove?",
    question=(
        "The expected MAP of a random order, computed from your lists, equals the printed row *random* for all"
        " eight attributes. Which sentence follows? Answer with one letter.\n\n"
        "- **a** Every picture has the label that the papers used.\n"
        "- **b** The pictures are the papers' pictures.\n"
        "- **c** A trained network will reach the printed scores.\n"
        "- **d** The numbers of queries and candidates per value are those of the papers."
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "d"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "Move every label to the next picture: the counts, and so the expectation, stay the same.",
        ),
        Wrong('answer_4 = "b"', "No pixel enters this computation."),
        Wrong('answer_4 = "c"', "No network enters the expectation of a random order."),
    ),
    hints=(
        "Which numbers enter the formula of the expected AP?",
        "What could be changed in the files without changing these numbers?",
    ),
    because="The counts agree. Only checksums, or file names that contain it, show that each label has its picture.",
    otherwise="Ask what the formula of the expectation reads.",
)

EXERCISES = (RAW, HIT, CEILING, PROOF)

EXPLORE = (
    "Draw a split of the sample by *item* with `split_groups` and count what leaks. How far from 8:1:1 does it"
    " end? The `items` of appendix 21a are the groups.",
    "In the table of six candidates, rank those with fewer values first, as in point 1 below the ceiling. How far"
    ' does the expected AP rise? In appendix 21a, `labelled.groupby("image").size()` counts a candidate\'s'
    " values.",
)

"""Exercises of notebook 07: differences in pairs, the best seed, the weights of a mean, and what a gap shows."""

import pandas as pd

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.show.paired_seeds import paired_difference

PAIRED_START = '''
import pandas as pd


def my_paired_difference(one, other):
    """one, other: Series of MAPs, indexed by seed. Returns [mean, spread] of the differences over the common seeds."""
    return None  # write your code here
'''

PAIRED_SOLUTION = '''
import pandas as pd


def my_paired_difference(one, other):
    """one, other: Series of MAPs, indexed by seed. Returns [mean, spread] of the differences over the common seeds."""
    difference = (one - other).dropna()  # pandas subtracts seed by seed
    return [difference.mean(), difference.std()]  # std divides by n - 1
'''


def _library_difference(one: pd.Series, other: pd.Series) -> list[float]:
    found = paired_difference(one, other)
    return [found.mean, found.spread]


def _series(**values: float) -> pd.Series:
    """MAPs by seed: s0=61.0 is seed 0."""
    return pd.Series({int(name[1:]): value for name, value in values.items()})


PAIRED = Exercise(
    id="07.1",
    title="Pair the seeds",
    question=(
        "Two runs of one seed share their batches and the start of their common layers. So compute the"
        " difference for each seed first, then the mean and the sample standard deviation of these differences."
        " Leave out seeds that only one method has."
    ),
    start=PAIRED_START,
    solution=PAIRED_SOLUTION,
    form=Function(
        {
            "three common seeds": (_series(s0=62.0, s1=64.5, s2=60.0), _series(s0=61.0, s1=63.0, s2=59.5)),
            "seeds in another order": (
                _series(s0=50.0, s1=55.0, s2=58.0),
                _series(s2=57.0, s1=52.0, s0=49.0),
            ),
            "a seed that one of them lacks": (_series(s0=40.0, s1=44.0, s2=48.0), _series(s1=43.0, s2=46.0)),
        }
    ),
    oracle=_library_difference,
    wrong=(
        Wrong(
            "def my_paired_difference(one, other):\n"
            "    return [one.mean() - other.mean(), max(one.std(), other.std())]",
            "You compare the two methods' own means and spreads. An effect of the seed that is equal in"
            " both does not cancel then.",
        ),
        Wrong(
            "def my_paired_difference(one, other):\n"
            "    d = (one - other).dropna()\n"
            "    return [d.mean(), d.std(ddof=0)]",
            "Your spread divides by n. The mean was estimated from the same numbers, so divide by n − 1.",
        ),
        Wrong(
            "import numpy as np\n\n\ndef my_paired_difference(one, other):\n    n = min(len(one), len(other))\n"
            "    d = one.to_numpy()[:n] - other.to_numpy()[:n]\n    return [d.mean(), d.std(ddof=1)]",
            "You pair by position in the table. Pair by the *seed*: rows may stand in another order, or be missing.",
        ),
    ),
    hints=(
        "pandas aligns two Series by their index when you subtract them; what is missing becomes NaN.",
        "Drop the NaNs. `Series.std` divides by n − 1 by itself.",
    ),
    because="It equals the library's `paired_difference`. The spread of differences can be far below either"
    " method's own. A step counts where mean ± t · spread / √n does not hold 0.",
    otherwise="Subtract seed by seed first, and summarise afterwards.",
    points=2,
)

BEST = Exercise(
    id="07.2",
    title="Report the best seed",
    question=(
        "A method's MAP varies between seeds like a normal distribution with a standard deviation of 2 points."
        " Somebody reports the *best* seed instead of the mean. By how many points is that too high on average:"
        " with 3 seeds, and with 10? A simulation with 100,000 draws is exact enough."
    ),
    start="answer_2 = None  # a list of two numbers, in points",
    solution=(
        "import numpy as np\n\nrng = np.random.default_rng(0)\n"
        "answer_2 = [2 * rng.standard_normal((100_000, n)).max(axis=1).mean() for n in (3, 10)]"
    ),
    form=Number(0.06),
    wrong=(
        Wrong(
            "answer_2 = [0.846, 1.539]", "Those are right for a standard deviation of 1. Here it is larger."
        ),
        Wrong(
            "answer_2 = [2, 2]",
            "A standard deviation does not grow with the number of seeds, the expected maximum does.",
        ),
        Wrong(
            "answer_2 = [0, 0]",
            "The mean of all seeds is unbiased. The maximum is chosen because it is high.",
        ),
    ),
    hints=(
        "`rng.standard_normal((100_000, 3))` are 100,000 experiments of three seeds each.",
        "Take the maximum of each row, then the mean over rows. These numbers have a standard deviation of 1; your"
        " points have 2.",
    ),
    because="Whoever runs more seeds reports more. A table of best seeds rewards the budget, not the method.",
    otherwise="Simulate many tables, take the best seed of each, and average.",
)

WEIGHTS_QUESTION = (
    "Two methods on three attributes:\n\n"
    "| attribute | queries | values | method A | method B |\n"
    "|---|--:|--:|--:|--:|\n"
    "| collar_design | 100 | 5 | 60 | 66 |\n"
    "| sleeve_length | 300 | 9 | 50 | 50 |\n"
    "| skirt_length | 200 | 6 | 70 | 66 |\n\n"
    "Give B minus A, in points, for three means. In the first every query has the same weight, in the second every"
    " attribute, in the third every *value*."
)

WEIGHTS = Exercise(
    id="07.3",
    title="Another mean, another winner",
    question=WEIGHTS_QUESTION,
    start="answer_3 = None  # a list of three numbers: [by queries, by attributes, by values]",
    solution=(
        "import numpy as np\n\ngap = np.array([66 - 60, 50 - 50, 66 - 70])\n"
        "answer_3 = [np.average(gap, weights=w) for w in ([100, 300, 200], [1, 1, 1], [5, 9, 6])]"
    ),
    form=Number(0.01),
    wrong=(
        Wrong(
            "answer_3 = [0.3333, -0.6667, -0.3]", "You subtracted B from A. The question asks for B minus A."
        ),
        Wrong(
            "answer_3 = [0.6667, 0.6667, 0.6667]",
            "Three times the same mean: the weights differ between the three.",
        ),
        Wrong("answer_3 = [-200, 2, 6]", "These are weighted sums. Divide each by the sum of its weights."),
    ),
    hints=(
        "Take the gap of each attribute first: three numbers.",
        "`np.average(gap, weights=...)` with three lists of weights, one of which is the number of values.",
    ),
    because="One mean prefers A and two prefer B, from the same scores. So a table names its mean.",
    otherwise="Each mean divides by the sum of its own weights.",
)

CLAIM = Exercise(
    id="07.4",
    title="What may the table claim?",
    question=(
        "Three seeds each, same data and budget: A has 61.0, 63.0, 62.0 and B has 60.4, 62.6, 61.5 (seeds 0, 1,"
        " 2). Which sentences do these numbers support? Answer with all true letters in one text.\n\n"
        "- **a** The gap of the means is smaller than either method's spread over seeds.\n"
        "- **b** A is above B with each of the three seeds.\n"
        "- **c** With another seed the two methods' means must change places.\n"
        "- **d** A is better than B on every data set."
    ),
    start='answer_4 = None  # letters in one text, such as "cd"',
    solution='answer_4 = "ab"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong('answer_4 = "a"', "True, but compare the runs seed by seed as well."),
        Wrong('answer_4 = "abd"', "Three runs on one data set say nothing about another one."),
        Wrong('answer_4 = "ac"', "A small gap makes a change possible, not certain. And look at the pairs."),
    ),
    hints=(
        "Compute the two means and the two spreads first.",
        "Now subtract seed by seed. Do the three differences have one sign?",
    ),
    because="Both are true: unpaired the gap is smaller than the spread, in pairs it has one sign."
    " The 95 % interval of the mean difference, 0.50 ± 0.25, does not hold 0. So the step counts, on this data set.",
    otherwise="Separate what the numbers say from what would be a guess.",
)

EXERCISES = (PAIRED, BEST, WEIGHTS, CLAIM)

EXPLORE = (
    "Pair the seeds of the course's own runs. Start with"
    ' `one = default[(default["metric"] == "map") & (default["attribute"] == "overall")]` and'
    ' `one.pivot(index="seed", columns="method", values="value")`. When is the spread of the'
    " differences smaller than the two spreads that it replaces?",
)

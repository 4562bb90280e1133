"""Exercises of notebook 11: which mean a table prints, how much a kernel sees, what a difference may be blamed for."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Number

MEAN = Exercise(
    id="11.1",
    title="Which mean is printed?",
    question=(
        'A paper prints MAP 20 for attribute A and 40 for attribute B, and "overall 25". A has 300 queries and'
        " 4 values, B has 100 queries and 12 values. Compute three candidates: the mean over queries, over"
        " attributes, and over values. Only one of them is the printed number."
    ),
    start="answer_1 = None  # a list of three numbers: [by queries, by attributes, by values]",
    solution=(
        "import numpy as np\n\nanswer_1 = [np.average([20, 40], weights=w) for w in ([300, 100], [1, 1], [4, 12])]"
    ),
    form=Number(0.05),
    wrong=(
        Wrong(
            "answer_1 = [25, 25, 25]",
            "The three means differ: only one has the weights that give the printed number.",
        ),
        Wrong(
            "answer_1 = [35, 30, 25]",
            "The first and the third are exchanged. Which attribute has more queries, which more values?",
        ),
        Wrong(
            "answer_1 = [25, 30, 30]",
            "The values are not shared equally: weight each attribute by its number of values.",
        ),
    ),
    hints=(
        "Call `np.average(scores, weights=...)` three times, with different weights.",
        "A weighted mean lies nearer to the score with the larger weight. Use that to check each of your three.",
    ),
    because="The printed number is the mean over queries. One line of arithmetic shows it, without any picture.",
    otherwise="Each mean divides by the sum of its own weights.",
)

KERNEL = Exercise(
    id="11.2",
    title="Would it matter more at full size?",
    question=(
        "SA's kernel is 1 × 1 in AG-MLAN's text and 7 × 7 in its code. Take a position in the middle. Which"
        " share of all positions does the 7 × 7 kernel see? Give two shares: on a map of 8 × 8, and on one of 14"
        " × 14."
    ),
    start="answer_2 = None  # a list of two shares",
    solution="answer_2 = [7 * 7 / 8**2, 7 * 7 / 14**2]",
    form=Number(0.005),
    wrong=(
        Wrong(
            "answer_2 = [7 / 8, 7 / 14]", "You counted along one side. Kernel and map have two dimensions."
        ),
        Wrong("answer_2 = [1 / 64, 1 / 196]", "That is the 1 × 1 kernel."),
        Wrong("answer_2 = [0.25, 0.7656]", "The order is exchanged: the larger map comes second."),
    ),
    hints=(
        "How many positions does the kernel cover, and how many positions does each map have?",
        "Divide the first number by the second, for both maps.",
    ),
    because="On the small map the kernel sees three quarters of the picture, at full size one quarter. So a run on"
    " the small map does not answer for full size.",
    otherwise="Count positions, not sides.",
)

BLAME = Exercise(
    id="11.3",
    title="What may a difference be blamed for?",
    question=(
        "A reproduction scores 3 points below the printed number. The paper's text and the authors' code differ"
        " in five places, and the reproduction follows the text. Which sentences are justified? Answer with all"
        " true letters in one text.\n\n"
        "- **a** One of the five differences explains the 3 points.\n"
        "- **b** Each difference has to be measured by itself, with several seeds.\n"
        "- **c** Other data, another start or another average can explain the gap as well.\n"
        "- **d** The paper's number is wrong."
    ),
    start='answer_3 = None  # letters in one text, such as "ad"',
    solution='answer_3 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_3 = "abc"',
            "That a difference exists does not show that it costs anything. Some of them change nothing at all.",
        ),
        Wrong(
            'answer_3 = "b"',
            "True. But are text and code the only places where the two experiments can differ?",
        ),
        Wrong(
            'answer_3 = "bcd"',
            "A gap shows that two experiments differ. It does not say which of them went wrong.",
        ),
    ),
    hints=(
        "Which of the sentences say more than the gap itself can show?",
        "Think of notebook 09: a difference in the equations may have no effect on a ranking.",
    ),
    because="A gap opens a question. Only a run in which nothing else differs closes it.",
    otherwise="Ask of each sentence which experiment would show it.",
)

EXERCISES = (MEAN, KERNEL, BLAME)

EXPLORE = (
    'Pick a row that says "not run" and run it with three seeds, such as `make reproduce'
    " METHODS=ag_mlan.paper+sa_kernel=7 SEEDS=0,1,2`.",
    "Which rows of IPAD's table 3 would change places if all were means over the test queries? Start with"
    ' `averages["ipad", "deepfashion"]`.',
)

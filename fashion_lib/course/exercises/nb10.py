"""Exercises of notebook 10: triplet prediction, a file that is read inverted, and how far a loss weight can travel."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number


def _unit(seed: int, *shape: int) -> Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm(dim=-1, keepdim=True)


ACCURACY_START = '''
import torch


def triplet_accuracy(embeddings, triplets):
    """embeddings: (N, D), length 1; triplets: int64 (T, 3), rows as anchor, far, close. Returns a share."""
    return None  # write your code here
'''

ACCURACY_SOLUTION = '''
import torch


def triplet_accuracy(embeddings, triplets):
    """embeddings: (N, D), length 1; triplets: int64 (T, 3), rows as anchor, far, close. Returns a share."""
    anchor, far, close = (embeddings[column] for column in triplets.T)  # (T, D) each
    return ((anchor * close).sum(1) > (anchor * far).sum(1)).float().mean()
'''

POINTS = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]])
LIST = torch.tensor([[0, 2, 1], [0, 3, 2], [1, 0, 2], [1, 3, 0], [2, 0, 3], [2, 3, 1]])

ACCURACY = Exercise(
    id="10.1",
    title="Triplet relation prediction",
    question=(
        "Write the measure of table 3. The rows of a list are *anchor, far, close*, as in the files of"
        " Zappos50k. An answer is right if the anchor is more similar to the close one; equal similarities are"
        " not right."
    ),
    start=ACCURACY_START,
    solution=ACCURACY_SOLUTION,
    form=Function(
        {
            "six triplets in the plane": (POINTS, LIST),
            "random vectors": (
                _unit(0, 9, 4),
                torch.randint(0, 9, (40, 3), generator=torch.Generator().manual_seed(1)),
            ),
            "all embeddings equal": (POINTS[[0, 0, 0]], torch.tensor([[0, 1, 2], [1, 2, 0]])),
        }
    ),
    wrong=(
        Wrong(
            ACCURACY_SOLUTION.replace("anchor, far, close = (", "anchor, close, far = ("),
            "You read the list as anchor, close, far, so most right answers count as wrong.",
        ),
        Wrong(
            ACCURACY_SOLUTION.replace(" > ", " >= "),
            "A collapsed space, where all similarities are equal, gets every answer right in your count.",
        ),
        Wrong(
            ACCURACY_SOLUTION.replace("(anchor * far)", "0.2 + (anchor * far)"),
            "You ask for a margin. The margin belongs to the loss; the measure only asks which one is closer.",
        ),
    ),
    hints=(
        "`triplets.T` has three rows: the anchors, the far ones, the close ones.",
        "Compute two similarities per triplet, compare them, and take the mean of the comparison.",
    ),
    because="A coin gets half of them right, and a collapsed space none by this rule.",
    otherwise="Check which column is which, and what happens with equal similarities.",
    points=2,
)

INVERTED = Exercise(
    id="10.2",
    title="Far below chance",
    question=(
        "A trained model gets 9 % of the triplets of a new list right, for every condition. What should you"
        " check first? Answer with one letter.\n\n"
        "- **a** whether the model was trained long enough\n"
        "- **b** whether the list's columns are read in the right order\n"
        "- **c** whether the pictures were resized correctly\n"
        "- **d** whether the embedding has collapsed into one point"
    ),
    start='answer_2 = None  # one letter, such as "a"',
    solution='answer_2 = "b"',
    form=Choice("abcd"),
    wrong=(
        Wrong('answer_2 = "a"', "A model that has learned nothing answers like a coin: about half."),
        Wrong(
            'answer_2 = "c"',
            "Bad pictures make a model worse, towards a coin. They do not make it know the wrong answer.",
        ),
        Wrong(
            'answer_2 = "d"',
            "In a collapsed space rounding decides, or every answer is wrong. The result is not 9 % for every"
            " condition.",
        ),
    ),
    hints=(
        "What is the score of a model that knows nothing?",
        "A model without any knowledge is wrong in half of the questions. What does a model need to be wrong in 91 %?",
    ),
    because="Far below chance means: the model knows the answers, and the list is read with far and close exchanged.",
    otherwise="Compare with what a coin would score.",
)

TRAVEL = Exercise(
    id="10.3",
    title="How far can a loss weight travel?",
    question=(
        "Adam moves a parameter by about the learning rate in each step. A loss weight starts at $p = 0$ and"
        " would come to rest at $p = \\log L$, with $L = 0.01$. How many steps does it need at a constant"
        " learning rate of 0.001?"
    ),
    start="answer_3 = None  # a number of steps",
    solution="import math\n\nanswer_3 = abs(math.log(0.01)) / 0.001",
    form=Number(10),
    wrong=(
        Wrong(
            "answer_3 = 2000",
            "You used the logarithm to base 10. Here it is the natural one, the inverse of exp.",
        ),
        Wrong(
            "answer_3 = 990",
            "You took the distance from 1 to 0.01, which are losses. The steps change p, so take the distance in p.",
        ),
        Wrong(
            "answer_3 = 100000",
            "You divided 1 by the loss. The distance is that between the two values of p.",
        ),
    ),
    hints=(
        "How far apart are the two values of p, at the start and at rest?",
        "Each step covers about one learning rate. Use `math.log`.",
    ),
    because="A run with fewer steps does not get there. Then the learning rate and the number of steps decide its"
    ' "learned" weights.',
    otherwise="Divide the size of the distance in p by the length of a step. A number of steps is positive.",
)

EXERCISES = (ACCURACY, INVERTED, TRAVEL)

EXPLORE = (
    "Start the loss weights where they would settle, instead of at 1/2. Subclass `LossWeights`, set `p`, and put"
    " it into a model built by `fl.build_model`; `fashion_lib.training.loop.train` takes any model.",
    "Branch 1 learns *which attribute* a picture is labelled for, although a picture may show two. Leave the"
    ' second attribute out of the loss; `data.encoded("train", labels="all")` has all attributes of a picture.',
    "Build harder triplets: the value of the far picture is the one that the model confuses most with the"
    " anchor's value. Write lists with `triplet_prediction.write_triplet_lists`. Is the order of methods the same?",
)

"""Exercises of notebook 08: a score with a ceiling, two vectors fused, passes that multiply, a tree of attributes."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


CEILING = Exercise(
    id="08.1",
    title="The ceiling of version 1",
    question=(
        "In ASEN's version 1 a score is a tanh, so it lies between −1 and 1. A map has 64 positions. What is the"
        " largest weight that *one* position can get after the softmax? Give a number between 0 and 1 with three"
        " digits after the point."
    ),
    start="answer_1 = None  # a number between 0 and 1",
    solution="import math\n\nanswer_1 = math.exp(1) / (math.exp(1) + 63 * math.exp(-1))",
    form=Number(0.002),
    wrong=(
        Wrong(
            "import math\n\nanswer_1 = math.e / (math.e + 63)",
            "You gave the other positions the score 0. A tanh can be lower than that.",
        ),
        Wrong(
            "answer_1 = 1.0",
            "So it would be without a limit on the scores. What is the lowest score that the others can have?",
        ),
        Wrong(
            "answer_1 = 1 / 64",
            "That is the flat map. The position may have the highest score and all others the lowest.",
        ),
    ),
    hints=(
        "Give one position the highest possible score and all others the lowest.",
        "A softmax weight is exp(own score) over the sum of exp of all 64 scores.",
    ),
    because="So one position never supplies most of version 1's vector, whatever the network learns.",
    otherwise="Write the softmax with one score of +1 and 63 scores of −1.",
)

FUSE_START = '''
import torch


def fused(x1, x2, score1, score2):
    """x1, x2: (B, C), after ASA and after ACA; score1, score2: functions (B, C) -> (B, 1).

    Returns the weighted sum (B, C) of AttnFashion, before its linear layer.
    """
    return None  # write your code here
'''

FUSE_SOLUTION = '''
import torch


def fused(x1, x2, score1, score2):
    """x1, x2: (B, C), after ASA and after ACA; score1, score2: functions (B, C) -> (B, 1).

    Returns the weighted sum (B, C) of AttnFashion, before its linear layer.
    """
    weights = torch.cat([score1(x1), score2(x2)], dim=1).softmax(dim=1)  # (B, 2)
    return weights[:, :1] * x1 + weights[:, 1:] * x2
'''


def _first(vectors: Tensor) -> Tensor:
    return vectors.sum(1, keepdim=True)


def _second(vectors: Tensor) -> Tensor:
    return 2 * vectors[:, :1] - 0.5


FUSION = Exercise(
    id="08.2",
    title="Write it yourself: AttnFashion's fusion",
    question=(
        "Write $w_1 x_1 + w_2 x_2$, where $(w_1, w_2)$ is the softmax over the two scores: one of $x_1$, one of"
        " $x_2$. Each picture has weights of its own."
    ),
    start=FUSE_START,
    solution=FUSE_SOLUTION,
    form=Function(
        {
            "three pictures": (_random(0, 3, 4), _random(1, 3, 4), _first, _second),
            "one picture": (_random(2, 1, 5), _random(3, 1, 5), _second, _first),
        }
    ),
    wrong=(
        Wrong(
            "import torch\n\n\n"
            "def fused(x1, x2, score1, score2):\n"
            "    return torch.sigmoid(score1(x1)) * x1 + torch.sigmoid(score2(x2)) * x2",
            "Your two weights do not sum to 1. The two vectors compete for one sum.",
        ),
        Wrong(
            "import torch\n\n\n"
            "def fused(x1, x2, score1, score2):\n"
            "    w = torch.cat([score1(x1), score2(x2)], dim=1).softmax(0)\n"
            "    return w[:, :1] * x1 + w[:, 1:] * x2",
            "Your softmax runs over the pictures of the batch. It should run over the two scores of each picture.",
        ),
        Wrong(
            "import torch\n\n\n"
            "def fused(x1, x2, score1, score2):\n"
            "    w = torch.cat([score1(x2), score2(x1)], dim=1).softmax(1)\n"
            "    return w[:, :1] * x1 + w[:, 1:] * x2",
            "Each score reads the other vector. The first score belongs to the vector after ASA.",
        ),
    ),
    hints=(
        "Join the two scores to (B, 2) and take the softmax along the dimension of length 2.",
        "`weights[:, :1]` keeps the shape (B, 1), so that it multiplies all channels of a picture.",
    ),
    because="Since x2 is a gated x1, the result is a softer gate on x1.",
    otherwise="The two weights of a picture sum to 1.",
    points=2,
)

PASSES_START = '''
import torch


def final_weights(scores):
    """scores: (passes, positions), the scores of each pass. Returns the weights (positions,) of ISLN's last map.

    Each pass multiplies the map by its own softmax. The last weights are scaled to sum 1.
    """
    return None  # write your code here
'''

PASSES_SOLUTION = '''
import torch


def final_weights(scores):
    """scores: (passes, positions), the scores of each pass. Returns the weights (positions,) of ISLN's last map.

    Each pass multiplies the map by its own softmax. The last weights are scaled to sum 1.
    """
    return scores.sum(dim=0).softmax(dim=0)  # a product of exponentials is the exponential of a sum
'''

PASSES = Exercise(
    id="08.3",
    title="Three looks in one line",
    question=(
        "ISLN looks three times, and each pass multiplies the weights of the positions by its own softmax."
        " Compute the last weights from the scores of the passes, scaled to sum 1. It takes one line if you use"
        " a property of exp."
    ),
    start=PASSES_START,
    solution=PASSES_SOLUTION,
    form=Function(
        {
            "three passes over four positions": (_random(4, 3, 4),),
            "equal passes": (torch.tensor([[1.0, 0.0, -1.0]] * 3),),
            "one pass": (_random(5, 1, 6),),
        }
    ),
    wrong=(
        Wrong(
            "def final_weights(scores):\n    return scores.softmax(1).mean(0)",
            "You average the maps of the passes. Each pass reads the map that the pass before has weighted, so the"
            " maps multiply.",
        ),
        Wrong(
            "def final_weights(scores):\n    return scores.softmax(1).prod(0)",
            "Your product is right up to its scale: softmax weights are small, and their product is smaller still.",
        ),
        Wrong(
            "def final_weights(scores):\n    return scores[-1].softmax(0)",
            "That is the softmax of the last pass alone. The earlier passes have already weighted the map that it"
            " reads.",
        ),
    ),
    hints=(
        "Write the product of two softmax weights of one position: which parts do not depend on the position?",
        "exp(a) times exp(b) is exp(a + b), and constant factors vanish when the sum is scaled to 1.",
    ),
    because="Equal passes are therefore one softmax with larger scores: a sharper map and nothing else.",
    otherwise="Multiply the softmax weights of all passes position by position, then scale to sum 1.",
    points=2,
)

TREE = Exercise(
    id="08.4",
    title="What can a tree change?",
    question=(
        "HAEN makes an attribute's vector from its parent's embedding and its own; ASEN has a free vector per"
        " attribute. Which sentences are true? Answer with all true letters in one text.\n\n"
        "- **a** HAEN can reach attribute vectors that ASEN could never have.\n"
        "- **b** What one length learns through the parent is there for the other lengths.\n"
        "- **c** A better score with the right tree than with randomly assigned kinds would speak for the tree.\n"
        "- **d** HAEN's mask adds nothing, since ACA's gate can be any mask."
    ),
    start='answer_4 = None  # letters in one text, such as "ad"',
    solution='answer_4 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_4 = "ab"',
            "A free table can hold any vector, also every sum of a parent's part and an own part.",
        ),
        Wrong(
            'answer_4 = "b"',
            "That is true. What would an experiment look like that tests whether *this* tree matters?",
        ),
        Wrong(
            'answer_4 = "bcd"',
            "A sigmoid's gate stays between 0 and 1 and is never exactly 0; a mask has no such limits.",
        ),
    ),
    hints=(
        "Does the tree change which vectors are *possible*, or how they are *learned*? Test each sentence with this.",
        "To test a tree, compare it with another tree that has the same number of parameters.",
    ),
    because="A tree changes learning, not what is possible; a random tree is the control that separates the two.",
    otherwise="Separate what a model can represent from what it learns easily.",
)

EXERCISES = (CEILING, FUSION, PASSES, TREE)

EXPLORE = (
    'How much of ISLN is sharpening? Train it with one pass (`options={"passes": 1}`), and multiply ASEN\'s'
    ' scores by 3 in a forward hook on `models["ASEN v2"].spatial.attribute_side`.',
    "Train HAEN with kinds assigned to the attributes at random: a schema with `dataclasses.replace(attribute,"
    " kind=...)`, and the data with that schema and another `name`.",
)

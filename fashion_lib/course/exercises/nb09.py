"""Exercises of notebook 09: SA by hand, why its gates are near one half, loss weights at rest, and idle parameters."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.parts.attention import PositionGate


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


SA_START = '''
import torch


def second_look(image_map, kernel):
    """image_map: (B, C, h, w), the map that ASA has weighted; kernel: two numbers, for mean and maximum.

    Returns the map (B, C, h, w) after SA with a 1 x 1 convolution without a bias.
    """
    return None  # write your code here
'''

SA_SOLUTION = '''
import torch


def second_look(image_map, kernel):
    """image_map: (B, C, h, w), the map that ASA has weighted; kernel: two numbers, for mean and maximum.

    Returns the map (B, C, h, w) after SA with a 1 x 1 convolution without a bias.
    """
    mean, maximum = image_map.mean(dim=1), image_map.amax(dim=1)  # (B, h, w) each
    gate = torch.sigmoid(kernel[0] * mean + kernel[1] * maximum)  # (B, h, w)
    return gate[:, None] * image_map
'''


def _library_second_look(image_map: Tensor, kernel: Tensor) -> Tensor:
    gate = PositionGate(1)
    with torch.no_grad():
        gate.conv.weight.copy_(kernel.view(1, 2, 1, 1))
        flat = torch.ones_like(image_map[:, 0])
        return gate(gate.summary(image_map), flat)[:, None] * image_map


SECOND_LOOK = Exercise(
    id="09.1",
    title="Write it yourself: SA",
    question=(
        "Write equation 4 with a 1 × 1 kernel. Take the mean and the maximum over channels, weight them, apply a"
        " sigmoid, and multiply the map by this gate."
    ),
    start=SA_START,
    solution=SA_SOLUTION,
    form=Function(
        {
            "one picture": (_random(0, 1, 3, 2, 2), torch.tensor([0.5, -1.0])),
            "two pictures": (_random(1, 2, 4, 2, 3), torch.tensor([2.0, 0.3])),
        }
    ),
    oracle=_library_second_look,
    wrong=(
        Wrong(
            "import torch\n\n\n"
            "def second_look(image_map, kernel):\n"
            "    mean, high = image_map.mean((2, 3)), image_map.amax((2, 3))\n"
            "    return torch.sigmoid(kernel[0] * mean + kernel[1] * high)[:, :, None, None] * image_map",
            "You summarise the positions of each channel, so you gate channels. SA gates positions.",
        ),
        Wrong(
            "import torch\n\n\n"
            "def second_look(image_map, kernel):\n"
            "    mean, high = image_map.mean(1), image_map.amax(1)\n"
            "    return torch.sigmoid(kernel[0] * high + kernel[1] * mean)[:, None] * image_map",
            "The two weights are exchanged: the first belongs to the mean.",
        ),
        Wrong(
            "import torch\n\n\n"
            "def second_look(image_map, kernel):\n"
            "    mean, high = image_map.mean(1), image_map.amax(1)\n"
            "    return torch.sigmoid(kernel[0] * mean + kernel[1] * high)",
            "You return the gate alone. The gate multiplies the map.",
        ),
    ),
    hints=(
        "Over which dimension do mean and maximum go, if one number per *position* should remain?",
        "The gate has the shape (B, h, w); give it a dimension of length 1 for the channels before you multiply.",
    ),
    because="It equals the library's `PositionGate`, which takes mean, maximum and minimum once per picture.",
    otherwise="SA makes one factor per position from two numbers per position.",
    points=2,
)

HALF = Exercise(
    id="09.2",
    title="Why the gates are near one half",
    question=(
        "A map has 196 positions, and all its features are 1. ASA's map is flat, so each position is multiplied"
        " by its weight $s$. SA's kernel is (0.2, 0.2), without a bias. Give two numbers: the gate of a position"
        " with the softmax weights, and the gate if the weights were scaled to mean 1. Use four digits."
    ),
    start="answer_2 = None  # a list of two numbers",
    solution=(
        "import math\n\n\n"
        "def gate(s):\n"
        "    return 1 / (1 + math.exp(-(0.2 * s + 0.2 * s)))\n\n\n"
        "answer_2 = [gate(1 / 196), gate(1)]"
    ),
    form=Number(0.0002),
    wrong=(
        Wrong(
            "answer_2 = [0.5, 0.5987]",
            "The first is near one half, but not equal to it: the weight of a position is small, not zero.",
        ),
        Wrong(
            "answer_2 = [0.5005, 0.5498]",
            "For the second number you counted only one of the two kernel weights. Mean and maximum both enter.",
        ),
        Wrong("answer_2 = [0.0020, 0.4]", "You stopped before the sigmoid."),
    ),
    hints=(
        "What are mean and maximum over channels at a position whose features are all 1, after the"
        " multiplication by s?",
        "Put 0.2 s + 0.2 s into the sigmoid; s is one over the number of positions in the first case.",
    ),
    because="A gate that is the same everywhere moves no weight from one position to another. It is one factor for the"
    " whole map, as a smaller W₁ would be.",
    otherwise="Compute the sigmoid's input first; it is proportional to s.",
)

REST = Exercise(
    id="09.3",
    title="Where learned loss weights come to rest",
    question=(
        "With the learned weights of Kendall et al., each loss $L$ adds $\\frac12 e^{-p} L + \\frac12 p$. A"
        " triplet loss stays at 0.01 and a classification loss at 0.3. Which factors $\\frac12 e^{-p}$ do the"
        " two have when $p$ no longer moves?"
    ),
    start="answer_3 = None  # a list of two numbers: [triplet, classification]",
    solution="answer_3 = [1 / (2 * 0.01), 1 / (2 * 0.3)]",
    form=Number(0.02),
    wrong=(
        Wrong(
            "answer_3 = [100, 3.3333]",
            "You computed the exponential alone. The factor in front of the loss is half of it.",
        ),
        Wrong(
            "answer_3 = [0.5, 0.5]",
            "That is factor *times* loss at rest, and where the factors start if p is 0.",
        ),
        Wrong("answer_3 = [-4.605, -1.204]", "Those are the values of p. The question asks for the factors."),
    ),
    hints=(
        "At rest the derivative for p is 0: set the derivative of the whole term to 0.",
        "Solve for the exponential, then take half of it.",
    ),
    because="Factor times loss is then one half for every loss. As a loss goes to 0, its factor grows without a"
    " limit.",
    otherwise="Differentiate the term with respect to p.",
)

IDLE = Exercise(
    id="09.4",
    title="A learned number that cannot learn",
    question=(
        "Which of these learned numbers can never change a ranking, whatever value above 0 it has? Answer with"
        " one letter.\n\n"
        "- **a** $W_1$, the scale of the map after ASA (eq. 3)\n"
        "- **b** $W_2$, the scale of the vector after ACA (eq. 6)\n"
        "- **c** one number of the mask of an attribute\n"
        "- **d** one number of ASA's attribute side"
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "b"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "After this scale come a sigmoid and a bias, and their results depend on the size of the input.",
        ),
        Wrong(
            'answer_4 = "c"',
            "It scales one dimension and leaves the others, so the direction of the embedding changes.",
        ),
        Wrong('answer_4 = "d"', "It enters the scores of the positions, so the attention moves."),
    ),
    hints=(
        "Cosine similarity divides the length of a vector out. Which number changes a length and nothing else?",
        "Follow each number to the end: does anything between it and the cosine react to a scale?",
    ),
    because="It scales the whole vector, and the cosine divides this scale out: its gradient is zero.",
    otherwise="Look for the number that multiplies a whole vector with nothing but a mask behind it.",
)

EXERCISES = (SECOND_LOOK, HALF, REST, IDLE)

EXPLORE = (
    "Give SA a map whose weights have mean 1: a subclass of `PositionGate` whose `forward` multiplies `scale` by"
    " the number of positions. Put it into `model.spatial_gate` with the trained convolution, then"
    ' `fl.evaluate(model, data, "valid")`.',
    "Put ASEN's tanh back on ASA's attribute side without training anew (`model.spatial.attribute_side[1] ="
    " torch.nn.Tanh()`). Which attributes' maps become flatter?",
    "Draw branch 1's confusion: the mean of σ(x) of the pictures labelled for each attribute, with"
    " `fashion_lib.show.similarity_matrix(..., limits=(0, 1))`.",
)

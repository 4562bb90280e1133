"""Exercises of notebook 17: suppression by eq. 2, what a kept cell gets, a map that shrinks, and three equal passes."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.methods.ipad.positioning import position_softmax, suppress

AS_START = '''
import torch


def suppressed_attention(scores, ratio):
    """scores: (B, h, w), the activation A; ratio: zeta. Returns the attention (B, h, w) after eq. 2 and the softmax."""
    return None  # write your code here
'''

AS_SOLUTION = '''
import torch


def suppressed_attention(scores, ratio):
    """scores: (B, h, w), the activation A; ratio: zeta. Returns the attention (B, h, w) after eq. 2 and the softmax."""
    threshold = ratio * scores.amax(dim=(1, 2), keepdim=True)  # eta, one per picture
    masked = scores * (scores >= threshold)
    return masked.flatten(1).softmax(dim=1).view_as(scores)
'''

SCORES = torch.tensor([[[4.0, 3.9], [1.0, -2.0]], [[0.5, 2.0], [1.95, 0.0]]])


def _library_attention(scores: Tensor, ratio: float) -> Tensor:
    return position_softmax(suppress(scores, ratio, "keep"))


SUPPRESS = Exercise(
    id="17.1",
    title="Write it yourself: suppression (AS)",
    question=(
        "Write equation 2 as printed, and the softmax after it. The scores are *multiplied* by the mask $M_j ="
        " \\chi(A_j \\ge \\zeta \\max A)$. Then one softmax runs over all positions of a picture."
    ),
    start=AS_START,
    solution=AS_SOLUTION,
    form=Function(
        {
            "two pictures": (SCORES, 0.95),
            "a lower ratio": (SCORES, 0.2),
            "one cell kept": (SCORES[:1], 0.99),
            "a far minimum": (torch.tensor([[[2.0, 1.0], [0.0, -6.0]]]), 0.6),
            "no positive score": (torch.tensor([[[-1.0, -2.0], [-0.5, -4.0]]]), 0.6),
        }
    ),
    oracle=_library_attention,
    wrong=(
        Wrong(
            AS_SOLUTION.replace(
                "scores * (scores >= threshold)", "scores.masked_fill(scores < threshold, -torch.inf)"
            ),
            "Your suppressed cells get no weight at all. Eq. 2 multiplies by 0, and a score of 0 gives a weight"
            " above 0.",
        ),
        Wrong(
            AS_SOLUTION.replace("scores >= threshold", "scores <= threshold"),
            "You keep what lies *below* the threshold, as the released code does; the equation keeps the strong"
            " cells.",
        ),
        Wrong(
            AS_SOLUTION.replace(
                "    threshold = ratio * scores.amax(dim=(1, 2), keepdim=True)  # eta, one per picture\n",
                "    low, high = scores.amin(dim=(1, 2), keepdim=True), scores.amax(dim=(1, 2), keepdim=True)\n"
                "    threshold = low + ratio * (high - low)\n",
            ),
            "You stretch the map to 0..1 first, as notebook 16 does before it cuts a box. Eq. 2 compares with a share"
            " of the largest score itself.",
        ),
        Wrong(
            AS_SOLUTION.replace("scores.amax(dim=(1, 2), keepdim=True)", "scores.max()"),
            "Your threshold comes from the whole batch. Each picture has a maximum of its own.",
        ),
    ),
    hints=(
        "`scores.amax(dim=(1, 2), keepdim=True)` is one number per picture.",
        "A comparison gives True and False; multiplied by a number they are 1 and 0.",
        "The softmax comes after the product and runs over all positions: flatten before, view back afterwards.",
    ),
    because="All suppressed cells get the same weight, that of a score of 0: the map has two levels.",
    otherwise="Check the mask for the first picture by hand, then the softmax of the product.",
    points=3,
)

LEVEL = Exercise(
    id="17.2",
    title="What must a kept cell score?",
    question=(
        "A map has 64 positions. Eq. 2 keeps *two* of them, both with the score $s$; all others get the score 0."
        " How large must $s$ be, so that the two together get half of the attention? Give two digits behind the"
        " point."
    ),
    start="answer_2 = None  # a score",
    solution="import math\n\nanswer_2 = math.log(62 / 2)",
    form=Number(0.01),
    wrong=(
        Wrong(
            "import math\n\nanswer_2 = math.log(63)",
            "That is the answer for one kept cell. Here two cells share the attention.",
        ),
        Wrong(
            "import math\n\nanswer_2 = math.log(62)",
            "Then the two together get more than half: each of them counts.",
        ),
        Wrong(
            "import math\n\nanswer_2 = math.log(64 / 2)",
            "You counted the two kept cells among the suppressed ones as well.",
        ),
    ),
    hints=(
        "Write the share of the kept cells: 2 exp(s) over the sum of all 64 exponentials. What is exp(0)?",
        "Set the share to one half and solve for s with `math.log`.",
    ),
    because="The others all get the same small weight, however low their scores are: eq. 2 makes them equal.",
    otherwise="The kept cells and the suppressed cells must have the same sum of exponentials.",
)

FADE = Exercise(
    id="17.3",
    title="A map that shrinks",
    question=(
        "Equation 3 multiplies the map by softmax weights in each pass. The map has 64 positions, the attention"
        " is flat, and nothing is rescaled. How many times *smaller* are the features after three passes?"
    ),
    start="answer_3 = None  # how many times smaller",
    solution="answer_3 = 64**3",
    form=Number(0.5),
    wrong=(
        Wrong("answer_3 = 3 * 64", "Factors multiply from pass to pass; you added them."),
        Wrong(
            "answer_3 = 1 / 64**3",
            "That is the factor that multiplies the features. How many times smaller does it make them?",
        ),
        Wrong(
            "answer_3 = 1",
            "Weights that sum to 1 keep a *sum* over positions; a single feature becomes smaller.",
        ),
    ),
    hints=(
        "What weight does each position have if the attention is flat?",
        "The features are multiplied by that weight once per pass.",
    ),
    because="So something must keep the scale. The course scales the weights to mean 1, and says so.",
    otherwise="Multiply the weight of a position by itself, once per pass.",
)

EQUAL = Exercise(
    id="17.4",
    title="Three passes that are one",
    question=(
        "In the released code every pass starts from $x^0$ and $p^0$, not from the result of the pass before."
        " The branch returns the result of the last pass. What do three passes give in evaluation? Answer with one"
        " letter.\n\n"
        "- **a** three different maps, averaged\n"
        "- **b** a map three times as sharp\n"
        "- **c** the product of three maps\n"
        "- **d** the same as one pass"
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "d"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "All passes have the same weights and the same input. Where would a difference come from?",
        ),
        Wrong('answer_4 = "b"', "A map gets sharper only if a pass works on the result of the one before."),
        Wrong('answer_4 = "c"', "A product would need the map of the pass before as the input of the next."),
    ),
    hints=(
        "Write the input of pass 2 and of pass 1 beside each other.",
        "The same function of the same input, three times: what comes out?",
    ),
    because="A loop in a program is not always an iteration.",
    otherwise="Compare the inputs of the three passes.",
)

EXERCISES = (SUPPRESS, LEVEL, FADE, EQUAL)

EXPLORE = (
    "Give suppressed cells the weight 0: pass `scores.masked_fill(~keeps, -torch.inf)` through `softmax` in the cell"
    " that computes `keeps`, then redraw the maps. For which attributes does the energy in the region rise or fall?",
    "Iterate the trained branch up to 10 times with `iterate(scaled=True, passes=10)` and plot the entropy of"
    " the attention and of the weights. After which pass does it stop changing, and why?",
    "Set `branch.ratio` to 0.5, 0.8, 0.95 and count kept cells and the crop's share of the picture.",
)

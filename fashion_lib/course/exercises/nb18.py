"""Exercises of notebook 18: a queue and its centre, the cluster-centre loss, how slow a slow copy is, and a slip."""

import math

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Function, Number
from fashion_lib.methods.ipad.centres import ClusterCentres


def _unit(*angles: float) -> Tensor:
    """Vectors of length 1 in the plane, by their angles in radians."""
    return torch.tensor([[math.cos(angle), math.sin(angle)] for angle in angles])


CENTRE_START = '''
import torch


def centres_after(features, values, count, length):
    """features: (T, C), in the order in which they came; values: int64 (T,); count: number of values.

    Each value has a queue of `length` places: a new feature pushes out the oldest one of its value.
    Returns the centres (count, C): the mean of each queue; zeros for a value without features.
    """
    return None  # write your code here
'''

CENTRE_SOLUTION = '''
import torch


def centres_after(features, values, count, length):
    """features: (T, C), in the order in which they came; values: int64 (T,); count: number of values.

    Each value has a queue of `length` places: a new feature pushes out the oldest one of its value.
    Returns the centres (count, C): the mean of each queue; zeros for a value without features.
    """
    centres = torch.zeros(count, features.shape[1])
    for value in range(count):
        queue = features[values == value][-length:]  # the latest ones
        if len(queue):
            centres[value] = queue.mean(dim=0)
    return centres
'''

SEVEN = _unit(0.1, 0.5, 2.0, 0.3, 2.4, 0.9, 1.2)
THEIR_VALUES = torch.tensor([0, 0, 1, 0, 1, 0, 0])


def _library_centres(features: Tensor, values: Tensor, count: int, length: int) -> Tensor:
    centres = ClusterCentres([count], features.shape[1], length)
    centres.push(features, values, torch.arange(len(values)))
    centres.update()
    return centres.centres


CENTRE = Exercise(
    id="18.1",
    title="Write it yourself: queue and centre",
    question=(
        "Write the cluster-centre update (eq. 11) for one attribute. There is one queue per value, with `length`"
        " places ($n_q$ in the paper). A centre is the mean of the features in its queue. While a queue is not full,"
        " divide by the number of features in it."
    ),
    start=CENTRE_START,
    solution=CENTRE_SOLUTION,
    form=Function(
        {
            "seven features, three places": (SEVEN, THEIR_VALUES, 2, 3),
            "a queue that is not full": (SEVEN, THEIR_VALUES, 2, 9),
            "a value without features": (SEVEN, THEIR_VALUES, 3, 2),
        }
    ),
    oracle=_library_centres,
    wrong=(
        Wrong(
            CENTRE_SOLUTION.replace("[-length:]", ""),
            "Your queues drop nothing. An old feature comes from a network that no longer exists.",
        ),
        Wrong(
            CENTRE_SOLUTION.replace("[-length:]", "[:length]"),
            "Your queues keep the *oldest* features and drop the new ones.",
        ),
        Wrong(
            CENTRE_SOLUTION.replace("queue.mean(dim=0)", "queue.mean(dim=0) / queue.mean(dim=0).norm()"),
            "You bring the centre to length 1. Its length tells how well the features of a queue agree, so keep it.",
        ),
    ),
    hints=(
        "`features[values == value]` are a value's features, in the order in which they came.",
        "A queue of n places holds the last n of them.",
        "Take the mean over the rows that are there. A value without rows keeps its zeros.",
    ),
    because="It equals the library's `ClusterCentres` with one queue per value.",
    otherwise="Write down what each queue holds after the seven features.",
    points=3,
)

LOSS_START = '''
import torch


def centre_loss(feature, centres, value, margin):
    """feature: (C,), length 1; centres: (values, C), any length; value: the feature's own. Returns eq. 16."""
    return None  # write your code here
'''

LOSS_SOLUTION = '''
import torch


def centre_loss(feature, centres, value, margin):
    """feature: (C,), length 1; centres: (values, C), any length; value: the feature's own. Returns eq. 16."""
    similarity = torch.nn.functional.cosine_similarity(feature[None], centres)  # (values,)
    hinge = (margin - similarity[value] + similarity).relu()
    others = torch.arange(len(centres)) != value
    return hinge[others].mean()
'''


def _library_loss(feature: Tensor, centres: Tensor, value: int, margin: float) -> Tensor:
    library = ClusterCentres([len(centres)], centres.shape[1], 1)
    library.centres.copy_(centres)
    library.known.fill_(True)
    return library.loss(feature[None], torch.tensor([value]), margin)[0]


CENTRES = _unit(0.0, 0.6, 2.5) * torch.tensor([[0.9], [0.5], [0.7]])

LOSS = Exercise(
    id="18.2",
    title="Write it yourself: the cluster-centre loss",
    question=(
        "Write equation 16 for one feature, with $d$ the cosine similarity: the mean of the hinges against all"
        " centres but the own one. A centre may have any length."
    ),
    start=LOSS_START,
    solution=LOSS_SOLUTION,
    form=Function(
        {
            "near its own centre": (_unit(0.1)[0], CENTRES, 0, 0.2),
            "near another centre": (_unit(0.1)[0], CENTRES, 1, 0.2),
            "a large margin": (_unit(2.0)[0], CENTRES, 2, 1.0),
        }
    ),
    oracle=_library_loss,
    wrong=(
        Wrong(
            LOSS_SOLUTION.replace("hinge[others].mean()", "hinge.mean()"),
            "The own centre is among the ones that you average. Its hinge is the margin itself, whatever the"
            " feature is.",
        ),
        Wrong(
            LOSS_SOLUTION.replace(
                "torch.nn.functional.cosine_similarity(feature[None], centres)", "centres @ feature"
            ),
            "Your similarity depends on the length of a centre. A cosine divides it out.",
        ),
        Wrong(
            LOSS_SOLUTION.replace(
                "margin - similarity[value] + similarity", "margin + similarity[value] - similarity"
            ),
            "Your loss grows when the feature comes closer to its own centre. Read d as a similarity.",
        ),
    ),
    hints=(
        "Compute the similarity to all centres at once.",
        "One hinge per centre: margin minus the own similarity plus the other one. Leave the own centre out of"
        " the mean.",
    ),
    because="It equals the library's loss. The sum over others is divided by their number, $M_n - 1$.",
    otherwise="With three centres there are two hinges to average.",
    points=2,
)

SLOW = Exercise(
    id="18.3",
    title="How slow is slow?",
    question=(
        "In each step, a momentum encoder multiplies its old weights by $\\mu$ and adds $1 - \\mu$ of the trained"
        " ones. After how many steps is the share of its first weights one half? Give two numbers with one digit"
        " behind the point: for the course's $\\mu = 0.98$, and for the paper's 0.995."
    ),
    start="answer_3 = None  # a list of two numbers of steps",
    solution="import math\n\nanswer_3 = [math.log(0.5) / math.log(mu) for mu in (0.98, 0.995)]",
    form=Number(0.1),
    wrong=(
        Wrong(
            "answer_3 = [25, 100]",
            "You divided one half by 1 − μ. The share shrinks by a factor in each step, not by a fixed part.",
        ),
        Wrong(
            "answer_3 = [50, 200]",
            "That is 1/(1 − μ): after so many steps the share is already below one half.",
        ),
        Wrong("answer_3 = [138.3, 34.3]", "The order is exchanged: the first one is the faster copy."),
    ),
    hints=(
        "After k steps the share is μ to the power k.",
        "Set it to one half and take the logarithm of both sides.",
    ),
    because="A run of some hundred steps needs a faster copy than one of hundreds of thousands.",
    otherwise="The share after k steps is a power of μ. Give one digit behind the point.",
)

SLIP = Exercise(
    id="18.4",
    title="A division that reaches one term",
    question=(
        "Eq. 19 adds three losses; the released code computes `x + p + n / 3`, although the mean of all three"
        " was probably meant. All three losses are 0.6. Give three numbers: the printed sum, the mean, and what the"
        " code computes."
    ),
    start="answer_4 = None  # a list of three numbers: [sum, mean, code]",
    solution="x = p = n = 0.6\nanswer_4 = [x + p + n, (x + p + n) / 3, x + p + n / 3]",
    form=Number(0.001),
    wrong=(
        Wrong(
            "answer_4 = [1.8, 0.6, 0.6]",
            "You put parentheses into the code that are not there. Which operation is done first?",
        ),
        Wrong("answer_4 = [1.8, 0.6, 1.2]", "The third term is divided, not dropped."),
        Wrong("answer_4 = [0.6, 1.8, 1.4]", "Sum and mean are exchanged."),
    ),
    hints=(
        "Division comes before addition: only one of the three terms is divided.",
        "Compute each number on paper, in the order in which Python does.",
    ),
    because="With equal terms it is 7/9 of the sum; with a triplet list it also weighs the negative's value less.",
    otherwise="Type the expression into Python with three numbers.",
)

EXERCISES = (CENTRE, LOSS, SLOW, SLIP)

EXPLORE = (
    'Does the momentum encoder matter? Train with `options=dict(ROWS["with AD"].options) | {"momentum":'
    ' "none"}` and repeat the cell of margins. Then compare the lengths of the centres.',
    "What would a queue of 8, or of 128, change? `replay(queue_length=128)` tells when the loss would begin,"
    " before you train anything.",
)

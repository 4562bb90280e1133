"""Exercises of notebook 05: the schedule, a run that can go on, the pull of the nearest negative, a lucky look."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.training.config import TrainingConfig

RATE_START = '''
import math


def my_learning_rate(step, steps, warmup, peak):
    """step: 0 to steps - 1; warmup: number of steps of the warm-up; peak: the largest rate. Returns one number."""
    return None  # write your code here
'''

RATE_SOLUTION = '''
import math


def my_learning_rate(step, steps, warmup, peak):
    """step: 0 to steps - 1; warmup: number of steps of the warm-up; peak: the largest rate. Returns one number."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
'''


def _library_rate(step: int, steps: int, warmup: int, peak: float) -> float:
    config = TrainingConfig(steps=steps, warmup=warmup / steps, schedule="cosine")
    return peak * config.learning_rate_factor(step)


RATE = Exercise(
    id="05.1",
    title="Write it yourself: the schedule",
    question=(
        'Write the learning rate of a step as the section "The learning rate" defines it: a linear warm-up,'
        " then half a cosine. The first step has the number 0."
    ),
    start=RATE_START,
    solution=RATE_SOLUTION,
    form=Function(
        {
            "step 0 of 100": (0, 100, 10, 1.0),
            "the last step of the warm-up": (9, 100, 10, 1.0),
            "the first step behind it": (10, 100, 10, 1.0),
            "the middle": (55, 100, 10, 0.5),
            "the last step": (99, 100, 10, 1.0),
        }
    ),
    oracle=_library_rate,
    wrong=(
        Wrong(
            RATE_SOLUTION.replace("(step + 1) / warmup", "step / warmup"),
            "Your first step has the rate 0, so it changes nothing. The steps count from 0, and step 0 should"
            " already change the weights.",
        ),
        Wrong(
            RATE_SOLUTION.replace("(step - warmup) / (steps - warmup)", "step / steps"),
            "Your cosine starts at step 0 of the whole run. It should begin where the warm-up ends, at the peak.",
        ),
        Wrong(
            RATE_SOLUTION.replace("math.pi", "2 * math.pi"),
            "Your rate falls and then rises again. It is half a cosine, from the peak down to nearly 0.",
        ),
    ),
    hints=(
        "Two cases: a step in the warm-up, and a step behind it.",
        "Behind the warm-up, which share of the remaining steps has passed? It runs from 0 to nearly 1, and the"
        " angle from 0 to nearly pi.",
    ),
    because="It equals the library's schedule at every step that was tested.",
    otherwise="Check the rate of the first step, of the first step behind the warm-up, and of the last.",
    points=2,
)

RESUME = Exercise(
    id="05.2",
    title="A run that was killed",
    question=(
        "A run is killed after step 499 and goes on from its checkpoint. Which changes make its end differ from"
        " that of a run that was never killed? Answer with all true letters in one text.\n\n"
        "- **a** Each step draws its images from the seed and its own number.\n"
        "- **b** One generator, made from the seed when the program starts, draws the images of all steps.\n"
        "- **c** The checkpoint keeps the weights, but not the state of Adam.\n"
        "- **d** The checkpoint is written every 10 steps instead of every 100."
    ),
    start='answer_2 = None  # letters in one text, such as "ad"',
    solution='answer_2 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_2 = "ab"',
            "One of these draws the same images for step 500 whatever happened before, and you say that it makes"
            " a difference.",
        ),
        Wrong(
            'answer_2 = "b"',
            "That one is true. What else does a step need, besides its images and the weights?",
        ),
        Wrong(
            'answer_2 = "bcd"',
            "How often a checkpoint is written decides how much is computed again, not what comes out.",
        ),
    ),
    hints=(
        "A step is a function of four things. Which four does the notebook name?",
        "For each letter ask: does step 500 after the restart receive the same four things?",
    ),
    because="Everything that step 500 needs must be in the checkpoint, or follow from the seed and the step's"
    " number.",
    otherwise="Ask of each letter what step 500 receives after the restart.",
)

PULL_START = '''
import torch


def gradient_length(angle):
    """Two vectors a and n of length 1 with this angle (radians) between them; s(a, n) is its cosine.

    Returns the length of the gradient of s(a, n) for a. What only changes the length of a does not count.
    """
    return None  # write your code here
'''

PULL_SOLUTION = '''
import torch


def gradient_length(angle):
    """Two vectors a and n of length 1 with this angle (radians) between them; s(a, n) is its cosine.

    Returns the length of the gradient of s(a, n) for a. What only changes the length of a does not count.
    """
    angle = torch.tensor(float(angle))
    n = torch.stack([angle.cos(), angle.sin()])
    a = torch.tensor([1.0, 0.0], requires_grad=True)
    torch.nn.functional.cosine_similarity(a, n, dim=0).backward()
    return a.grad.norm()
'''

PULL = Exercise(
    id="05.3",
    title="How strong is the gradient of the nearest negative?",
    question=(
        "The embeddings of an untrained network are all close together, and the hardest negative $n$ is the"
        " closest of all to the anchor $a$. How large is the gradient that moves $a$ away from it? An embedding"
        " always has length 1, so only a change of the *direction* of $a$ counts. Return the length of this"
        " gradient of $s(a, n)$. You may use autograd, with a similarity that does not depend on the length of"
        " $a$."
    ),
    start=PULL_START,
    solution=PULL_SOLUTION,
    form=Function(
        {
            "an angle of 0.1": (0.1,),
            "an angle of 0.01": (0.01,),
            "a right angle": (1.5707963,),
            "an angle of 2.5": (2.5,),
        }
    ),
    wrong=(
        Wrong(
            "import math\n\n\ndef gradient_length(angle):\n    return math.cos(angle)",
            "That is the similarity itself. The question is how fast it changes when a turns.",
        ),
        Wrong(
            "def gradient_length(angle):\n    return 1.0",
            "The gradient of the plain dot product has length 1, but most of it may point along a. That part"
            " changes only the length of a, which is divided out.",
        ),
        Wrong(
            "import math\n\n\ndef gradient_length(angle):\n    return -math.sin(angle)",
            "You give the derivative with its sign. A length is never negative.",
        ),
    ),
    hints=(
        "Place the vectors in a plane: a = (1, 0), and n at the given angle.",
        "Use `torch.nn.functional.cosine_similarity`, which ignores lengths, then `.backward()`, then the length"
        " of `a.grad`.",
    ),
    because="It is the sine of the angle. So a negative that almost equals the anchor has a gradient near 0, while"
    " the distant positive has a large one. This is how a space collapses.",
    otherwise="Compare with the similarity at two angles that differ by very little.",
    points=2,
)

LOOKS = Exercise(
    id="05.4",
    title="The best of three looks",
    question=(
        "Training no longer improves. Each look at validation shows the true MAP plus an error of +1 or −1"
        " point, with equal probability and independently. You report the best of three looks. By how many"
        " points is that too high on average?"
    ),
    start="answer_4 = None  # points",
    solution=(
        "from itertools import product\n\nlooks = list(product([-1, 1], repeat=3))\n"
        "answer_4 = sum(max(errors) for errors in looks) / len(looks)"
    ),
    form=Number(0.01),
    wrong=(
        Wrong(
            "answer_4 = 0",
            "That is the mean error of *one* look. The best of several is chosen because its error is high.",
        ),
        Wrong(
            "answer_4 = 1",
            "So it would be if at least one look always came out high. Sometimes all three are low.",
        ),
        Wrong(
            "answer_4 = 0.5",
            "That is the answer for two looks. With one more look, a high one is more probable.",
        ),
    ),
    hints=(
        "The best of three is −1 only if all three errors are −1. How often is that?",
        "List all eight outcomes with `itertools.product([-1, 1], repeat=3)` and average their maximum.",
    ),
    because="More looks raise it further. So one split chooses the checkpoint, and another one reports.",
    otherwise="List the eight equally likely outcomes and take the best look of each.",
)

EXERCISES = (RATE, RESUME, PULL, LOOKS)

EXPLORE = (
    "Train with `steps=40` and with twice the profile's steps. Which attributes need the longer run? The"
    " record's variant says `steps=40`, so tables keep the runs apart.",
    'Put `settings = settings.with_options(mining="hard")` into the setup cell, before the data are loaded.'
    " Look at the three curves and the warning, and compare with exercise 05.3.",
    "How much of the noise of doubt 2 do shift and brightness add? Draw the same batch 24 times with 24"
    " different generators for `augment`.",
)

"""Exercises of notebook 16: from map to box, what a background weighs, two branches in one vector, a sharper rest."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Function, Number


def _unit(seed: int, *shape: int) -> Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm(dim=-1, keepdim=True)


BOX_START = '''
import torch


def map_box(attention, threshold):
    """attention: (h, w). Returns [top, bottom, left, right]: the first and the last row and column of the box.

    The map is stretched to 0..1 first. The box is the smallest that holds all cells that reach the threshold.
    """
    return None  # write your code here
'''

BOX_SOLUTION = '''
import torch


def map_box(attention, threshold):
    """attention: (h, w). Returns [top, bottom, left, right]: the first and the last row and column of the box.

    The map is stretched to 0..1 first. The box is the smallest that holds all cells that reach the threshold.
    """
    low, high = attention.min(), attention.max()
    if high == low:  # a constant map points nowhere: the whole picture
        return [0, attention.shape[0] - 1, 0, attention.shape[1] - 1]
    inside = (attention - low) / (high - low) >= threshold
    rows, columns = torch.nonzero(inside, as_tuple=True)
    return [rows.min(), rows.max(), columns.min(), columns.max()]
'''

PEAKS = torch.tensor(
    [[0.1, 0.1, 0.1, 0.1], [0.1, 0.9, 0.6, 0.1], [0.1, 0.2, 0.1, 0.1], [0.1, 0.1, 0.1, 0.45]]
)

BOX = Exercise(
    id="16.1",
    title="Write it yourself: from map to box",
    question=(
        "Write the first three steps from map to crop, in whole cells. Stretch the map to 0..1 (min-max). Keep"
        " the cells that reach the threshold. Take the smallest box around them. A constant map points nowhere;"
        " its box is the whole picture."
    ),
    start=BOX_START,
    solution=BOX_SOLUTION,
    form=Function(
        {
            "two peaks, threshold 0.4": (PEAKS, 0.4),
            "two peaks, threshold 0.6": (PEAKS, 0.6),
            "a constant map": (torch.full((2, 3), 0.5), 0.1),
            "a peak in a corner": (torch.tensor([[0.6, 0.1], [0.1, 0.1]]), 0.1),
        }
    ),
    wrong=(
        Wrong(
            BOX_SOLUTION.replace("(attention - low) / (high - low) >= threshold", "attention >= threshold"),
            "You compare the map as it is. A softmax map has small weights; stretch it to 0..1 first.",
        ),
        Wrong(
            BOX_SOLUTION.replace(
                "return [0, attention.shape[0] - 1, 0, attention.shape[1] - 1]", "return [0, 0, 0, 0]"
            ),
            "A constant map has no peak, so a single cell would be an arbitrary choice.",
        ),
        Wrong(
            BOX_SOLUTION.replace(
                "[rows.min(), rows.max(), columns.min(), columns.max()]",
                "[columns.min(), columns.max(), rows.min(), rows.max()]",
            ),
            "Rows and columns are exchanged: top and bottom are rows.",
        ),
    ),
    hints=(
        "What happens to (map − min) / (max − min) if all cells are equal? Treat that case first.",
        "`torch.nonzero(mask, as_tuple=True)` gives the rows and the columns of all cells that are True.",
        "The box is given by the smallest and the largest of these rows and columns.",
    ),
    because="A far second peak stretches the box to both: with a low threshold a crop holds all that lies between.",
    otherwise="Draw the mask of the kept cells for the first map. The last row and the last column belong to the box.",
    points=3,
)

BACKGROUND = Exercise(
    id="16.2",
    title="How much background is in the background?",
    question=(
        "RPF's background weights are $(1 - \\alpha_j)$, divided by their sum. In a map of 64 positions, one cell has"
        " the attention 0.3. The other 63 cells share the rest equally. What is the background weight of that cell,"
        " and what is it for each other cell? Give two numbers, with four digits behind the point."
    ),
    start="answer_2 = None  # a list of two numbers",
    solution="answer_2 = [(1 - 0.3) / 63, (1 - 0.7 / 63) / 63]",
    form=Number(0.0001),
    wrong=(
        Wrong(
            "answer_2 = [0.7, 0.9889]",
            "Your weights do not sum to 1. What is the sum of 1 − α over all positions?",
        ),
        Wrong(
            "answer_2 = [0.7 / 64, (1 - 0.7 / 63) / 64]",
            "You divided by the number of positions. The attention itself sums to 1, so the sum below is smaller"
            " by that.",
        ),
        Wrong(
            "answer_2 = [0.0, 1 / 63]",
            "An attended cell is not left out: it keeps what the attention did not take.",
        ),
    ),
    hints=(
        "The sum of (1 − α) over N positions is N − 1, since the attention sums to 1.",
        "The attention of each other cell is 0.7/63.",
    ),
    because="The attended cell has about 70 % of what any other cell has: the background is nearly the picture's"
    " average.",
    otherwise="Compute 1 − α for both kinds of cells, and divide by the sum over all cells. Keep four digits.",
)

MIX_START = '''
import torch


def one_vector(region, patch, beta):
    """region: (B, C), patch: (B, P), rows of length 1; beta: from 0 to 1. Returns one vector per picture."""
    return None  # write your code here
'''

MIX_SOLUTION = '''
import torch


def one_vector(region, patch, beta):
    """region: (B, C), patch: (B, P), rows of length 1; beta: from 0 to 1. Returns one vector per picture."""
    return torch.cat([beta**0.5 * region, (1 - beta) ** 0.5 * patch], dim=1)
'''

MIX = Exercise(
    id="16.3",
    title="Two branches in one vector",
    question=(
        "Join the features of both branches into one vector per picture, region first. The dot product of two"
        " pictures' vectors shall be $\\beta$ times the similarity of their regions plus $1 - \\beta$ times that"
        " of their patches."
    ),
    start=MIX_START,
    solution=MIX_SOLUTION,
    form=Function(
        {
            "three pictures": (_unit(0, 3, 4), _unit(1, 3, 5), 0.4),
            "the region alone": (_unit(2, 2, 3), _unit(3, 2, 3), 1.0),
        }
    ),
    wrong=(
        Wrong(
            MIX_SOLUTION.replace(
                "beta**0.5 * region, (1 - beta) ** 0.5 * patch", "beta * region, (1 - beta) * patch"
            ),
            "In a dot product each factor is multiplied by itself. What must stand in the vector, so that β remains?",
        ),
        Wrong(
            "def one_vector(region, patch, beta):\n"
            "    if region.shape != patch.shape:\n"
            "        patch = patch[:, : region.shape[1]]\n"
            "    return beta * region + (1 - beta) * patch",
            "A sum mixes the branches: the region of one picture is then compared with the patch of the other.",
        ),
        Wrong(
            MIX_SOLUTION.replace(
                "[beta**0.5 * region, (1 - beta) ** 0.5 * patch]",
                "[(1 - beta) ** 0.5 * region, beta**0.5 * patch]",
            ),
            "The weights are exchanged: at β = 1 the region alone should count.",
        ),
    ),
    hints=(
        "Put the two features behind one another, each with a factor.",
        "The dot product of the joined vectors has each factor twice. Which factor gives β when it is squared?",
    ),
    because="So every β can be tried from stored features, without any training; choose it on validation.",
    otherwise="Compute a dot product of two joined vectors on paper.",
    points=2,
)

MAPS = torch.tensor([[[0.7, 0.1], [0.1, 0.1]], [[0.25, 0.25], [0.25, 0.25]], [[0.4, 0.3], [0.2, 0.1]]])

SHARP_START = '''
import torch


def sharper_background(attention):
    """attention: (B, h, w), sums to 1 per picture. Returns weights (1 - a / max a), divided by their sum.

    A constant map has no background; return the flat map for it.
    """
    return None  # write your code here
'''

SHARP_SOLUTION = '''
import torch


def sharper_background(attention):
    """attention: (B, h, w), sums to 1 per picture. Returns weights (1 - a / max a), divided by their sum.

    A constant map has no background; return the flat map for it.
    """
    rest = 1 - attention / attention.amax(dim=(1, 2), keepdim=True)
    total = rest.sum(dim=(1, 2), keepdim=True)
    flat = torch.full_like(rest, 1 / rest[0].numel())
    return torch.where(total > 0, rest / total.clamp(min=1e-12), flat)
'''

SHARP = Exercise(
    id="16.4",
    title="A sharper background",
    question=(
        "RPF's background is nearly flat. Write another one: weights $1 - \\alpha_j / \\max_i \\alpha_i$,"
        " divided by their sum, so that the strongest cell gets the weight 0. Treat a constant map separately."
    ),
    start=SHARP_START,
    solution=SHARP_SOLUTION,
    form=Function(
        {
            "two peaked maps and a constant one": (MAPS,),
            "a map of 1 x 3": (torch.tensor([[[0.5, 0.3, 0.2]]]),),
        }
    ),
    wrong=(
        Wrong(
            "import torch\n\n\n"
            "def sharper_background(attention):\n"
            "    rest = 1 - attention\n"
            "    return rest / rest.sum((1, 2), keepdim=True)",
            "That is RPF's own background: the strongest cell keeps a weight.",
        ),
        Wrong(
            "import torch\n\n\n"
            "def sharper_background(attention):\n"
            "    rest = 1 - attention / attention.amax((1, 2), keepdim=True)\n"
            "    return rest / rest.sum((1, 2), keepdim=True)",
            "Your constant map gives 0/0. Which case must be treated by itself?",
        ),
        Wrong(
            "import torch\n\n\n"
            "def sharper_background(attention):\n"
            "    rest = 1 - attention / attention.max()\n"
            "    total = rest.sum((1, 2), keepdim=True)\n"
            "    return rest / total.clamp(min=1e-12)",
            "You divide by the maximum of the whole batch. Then a picture's map depends on the pictures beside it.",
        ),
    ),
    hints=(
        "Take the maximum of each picture by itself, with `keepdim=True`.",
        "Where the sum of the rest is 0, return one over the number of positions instead.",
    ),
    because="A minimum or maximum over a batch is a frequent bug: the result of a picture must not depend on the"
    " other pictures of its batch.",
    otherwise="Each picture is treated by itself, and the constant map by its own rule.",
    points=2,
)

EXERCISES = (BOX, BACKGROUND, MIX, SHARP)

EXPLORE = (
    "Is it the crop, or is it the second network? Train ASEN++ with crops cut from the small picture"
    ' (`options={"image_scale": 1}`), and with crops that are always the whole picture (`options={"crop":'
    ' "course", "threshold": 0.0}`).',
    "Is the patch branch better where the region is small? Plot the gap between $\\beta = 0$ and $\\beta = 1$ in"
    ' `tested` against `crops_made[name]["area"]` of appendix 16a. What would you need before you believe the trend?',
)

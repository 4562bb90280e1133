"""Exercises of notebook 06: measuring a map, Grad-CAM and HiResCAM, a tolerance, and reading colours."""

import numpy as np
import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.tasks.retrieval import localisation

MEASURE_START = '''
import numpy as np


def three_measures(attention, region):
    """attention: (h, w), sums to 1; region: bool (h, w), True where a cell lies in the true region.

    Returns [pointing, energy, entropy], three numbers from 0 to 1.
    """
    return None  # write your code here
'''

MEASURE_SOLUTION = '''
import numpy as np


def three_measures(attention, region):
    """attention: (h, w), sums to 1; region: bool (h, w), True where a cell lies in the true region.

    Returns [pointing, energy, entropy], three numbers from 0 to 1.
    """
    pointing = region.ravel()[attention.argmax()]
    energy = attention[region].sum()
    seen = attention[attention > 0]  # 0 log 0 counts as 0
    entropy = -(seen * np.log(seen)).sum() / np.log(attention.size)
    return [float(pointing), energy, entropy]
'''

PEAKED = np.array([[0.0, 0.1, 0.1], [0.0, 0.5, 0.1], [0.0, 0.1, 0.1]])
FLAT = np.full((2, 4), 1 / 8)
MISSED = np.array([[0.05, 0.05], [0.3, 0.6]])


def _region(array: np.ndarray, *cells: tuple[int, int]) -> np.ndarray:
    region = np.zeros(array.shape, dtype=bool)
    for cell in cells:
        region[cell] = True
    return region


def _library_measures(attention: np.ndarray, region: np.ndarray) -> list[float]:
    maps, masks = torch.from_numpy(attention)[None], torch.from_numpy(region)[None]
    return [float(part[0]) for part in (localisation.pointing(maps, masks), localisation.energy(maps, masks),
                                        localisation.entropy(maps))]  # fmt: skip


MEASURE = Exercise(
    id="06.1",
    title="Write it yourself: three measures of a map",
    question=(
        "Write three measures. Pointing is 1 if the strongest cell lies in the region, else 0. Energy is the"
        " share of the weight in the region. Entropy is divided by that of a flat map. A weight of 0 adds"
        " nothing to the entropy."
    ),
    start=MEASURE_START,
    solution=MEASURE_SOLUTION,
    form=Function(
        {
            "a map with a peak in the region": (PEAKED, _region(PEAKED, (1, 1), (1, 2))),
            "a flat map": (FLAT, _region(FLAT, (0, 0))),
            "a peak beside the region": (MISSED, _region(MISSED, (1, 0), (0, 0))),
        }
    ),
    oracle=_library_measures,
    wrong=(
        Wrong(
            MEASURE_SOLUTION.replace(
                "-(seen * np.log(seen)).sum() / np.log(attention.size)", "-(seen * np.log(seen)).sum()"
            ),
            "Your entropy depends on the number of cells. Divide by its largest value, that of the flat map.",
        ),
        Wrong(
            MEASURE_SOLUTION.replace("attention[region].sum()", "attention[region].mean()"),
            "Your energy is a mean over the cells of the region. It is the *share* of all weight that lies there.",
        ),
        Wrong(
            MEASURE_SOLUTION.replace(
                "region.ravel()[attention.argmax()]", "attention[region].max() >= attention.mean()"
            ),
            "Your pointing is 1 if the region holds a large weight. It is 1 only if the strongest cell lies there.",
        ),
    ),
    hints=(
        "`attention.argmax()` is the place in the flattened map; `region.ravel()` has the same order.",
        "The entropy of a flat map over n cells is log n.",
        "`np.log(0)` is minus infinity: leave cells of weight 0 out before you take the logarithm.",
    ),
    because="The library's `localisation` gives the same three numbers.",
    otherwise="Check each of the three numbers by itself, first on the flat map.",
    points=3,
)

CAM_START = '''
import torch


def grad_cam_map(features, gradient):
    """features: (K, h, w), the maps A; gradient: (K, h, w), dy/dA. Returns the Grad-CAM map (h, w)."""
    return None  # write your code here
'''

CAM_SOLUTION = '''
import torch


def grad_cam_map(features, gradient):
    """features: (K, h, w), the maps A; gradient: (K, h, w), dy/dA. Returns the Grad-CAM map (h, w)."""
    weights = gradient.mean(dim=(1, 2))  # (K,): equation 1
    return (weights[:, None, None] * features).sum(dim=0).relu()  # equation 2
'''


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


CAM = Exercise(
    id="06.2",
    title="Write it yourself: Grad-CAM",
    question=(
        "Write equations 1 and 2 of Grad-CAM. Then think: which line would you change to compute HiResCAM?"
    ),
    start=CAM_START,
    solution=CAM_SOLUTION,
    form=Function(
        {
            "two channels of 2 x 2": (_random(0, 2, 2, 2), _random(1, 2, 2, 2)),
            "five channels of 3 x 4": (_random(2, 5, 3, 4), _random(3, 5, 3, 4)),
            "one gradient for all positions": (_random(4, 3, 2, 2), torch.ones(3, 2, 2)),
        }
    ),
    wrong=(
        Wrong(
            "def grad_cam_map(features, gradient):\n    return (gradient * features).sum(0).relu()",
            "That is HiResCAM: each position keeps its own gradient. Equation 1 makes one weight per channel first.",
        ),
        Wrong(
            "def grad_cam_map(features, gradient):\n"
            "    return (gradient.mean((1, 2))[:, None, None] * features).sum(0)",
            "Your map has negative cells. Equation 2 keeps only what increases y.",
        ),
        Wrong(
            "def grad_cam_map(features, gradient):\n"
            "    return (gradient.mean((1, 2))[:, None, None] * features).relu().sum(0)",
            "You apply the ReLU to each channel before the sum. Channels that decrease y must be able to"
            " cancel others.",
        ),
    ),
    hints=(
        "Equation 1 averages the gradient of each channel over its positions: K numbers.",
        "Give the K weights the shape (K, 1, 1), multiply, sum over channels. What comes last?",
    ),
    because="HiResCAM leaves the mean out: it multiplies position by position. With average pooling the gradient is"
    " the same everywhere, and both agree.",
    otherwise="The order is: mean over positions, weighted sum over channels, ReLU.",
    points=2,
)

TOLERANCE = Exercise(
    id="06.3",
    title="The same tolerance for a guess",
    question=(
        "A map has 8 × 8 cells, and the true region is exactly one cell in the middle part. You point at a cell"
        " drawn at random. Give two numbers: the probability of a hit, and of a hit *or* a near miss. For a near"
        " miss, the eight cells around the region count as well."
    ),
    start="answer_3 = None  # a list of two probabilities",
    solution="answer_3 = [1 / 64, 9 / 64]",
    form=Number(0.001),
    wrong=(
        Wrong(
            "answer_3 = [1 / 64, 8 / 64]",
            "The neighbours are right, but a direct hit counts with tolerance, too.",
        ),
        Wrong(
            "answer_3 = [1 / 64, 1 / 64]",
            "With a tolerance, a guess that ignores the picture hits more often, too. So it needs the same tolerance.",
        ),
        Wrong("answer_3 = [1 / 8, 3 / 8]", "You counted along one side only. A map has rows and columns."),
    ),
    hints=(
        "How many cells are there, and how many of them count as a hit?",
        "Draw the 3 × 3 block around the region.",
    ),
    because=(
        "A tolerance of one cell helps a guess that ignores the picture by a factor of nine, so report both with the"
        " same rule."
    ),
    otherwise="Count the cells that count, and divide by all cells.",
)

SCALE = Exercise(
    id="06.4",
    title="A bright spot in a printed map",
    question=(
        "A paper prints eight heat maps. Each is *stretched*: its own smallest weight is black, and its own"
        " largest weight is bright red. All have a bright red spot at the garment's part."
        " What may you conclude? Answer with one letter.\n\n"
        "- **a** Most of the weight lies at the right place for all eight attributes.\n"
        "- **b** The strongest cell of each map lies at the part; how much stronger it is than the others cannot"
        " be seen.\n"
        "- **c** Attention is sharp in all eight maps.\n"
        "- **d** The model's answers depend on these pixels."
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "b"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "A map that is nearly flat has a strongest cell as well, and stretching makes it red.",
        ),
        Wrong(
            'answer_4 = "c"',
            "Stretching gives every map the full range of colours, so sharp and flat maps look alike.",
        ),
        Wrong(
            'answer_4 = "d"',
            "Where the weights are large is one question, what caused the answer another one: that needs an"
            " experiment with changed pixels.",
        ),
    ),
    hints=(
        "What does stretching do to a map whose weights are all between 0.015 and 0.016?",
        "Which property of a map does *not* change when it is stretched?",
    ),
    because="Stretching keeps the order of the cells and nothing else. One common scale would show the rest.",
    otherwise="Ask what a nearly flat map looks like after stretching.",
)

EXERCISES = (MEASURE, CAM, TOLERANCE, SCALE)

EXPLORE = (
    "Erase the region. Paint the true region of each query grey. In a second test, paint the block of the strongest"
    " cell, and in a third test a block of the same area somewhere else. Then compare AP. Start with"
    ' `rows = queries.loc[queries["attribute"] == "skirt_length", "row"].to_numpy()`,'
    ' `changed = data.pixels[rows].copy()` and `changed[data.regions(rows, data.schema.index("skirt_length"))] = 128`.'
    ' `asen.embed(normalise(changed), ids("skirt_length", len(rows)))` embeds the changed queries; the function'
    " `queries_of` shows how to score them.",
    'Train from the reconstruction-only start three times as long: `fl.load_or_train("asen",'
    ' profile=settings.with_options(start="reconstruction", steps=3 * settings.steps), seed=seed)`. Which'
    " attributes catch up first?",
)

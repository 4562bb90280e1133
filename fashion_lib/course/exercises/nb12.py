"""Exercises of notebook 12: an AFD block, independent attributes, and what a probe shows."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function
from fashion_lib.parts.subspaces import AFD


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


AFD_START = '''
import torch


def whole_feature(pooled, blocks):
    """pooled: (B, C), the vector f_g; blocks: one tuple (w1, b1, w2, b2) per attribute.

    w1: (H, C), b1: (H,), w2: (D, H), b2: (D,). Returns f(I), (B, attributes * D).
    """
    return None  # write your code here
'''

AFD_SOLUTION = '''
import torch


def whole_feature(pooled, blocks):
    """pooled: (B, C), the vector f_g; blocks: one tuple (w1, b1, w2, b2) per attribute.

    w1: (H, C), b1: (H,), w2: (D, H), b2: (D,). Returns f(I), (B, attributes * D).
    """
    parts = [(pooled @ w1.T + b1).relu() @ w2.T + b2 for w1, b1, w2, b2 in blocks]  # (B, D) each
    return torch.cat(parts, dim=1)
'''


def _block(seed: int, channels: int, hidden: int, dim: int) -> tuple[Tensor, ...]:
    shapes = ((hidden, channels), (hidden,), (dim, hidden), (dim,))
    return tuple(_random(10 * seed + k, *shape) for k, shape in enumerate(shapes))


def _library_feature(pooled: Tensor, blocks: list[tuple[Tensor, ...]]) -> Tensor:
    parts = []
    for w1, b1, w2, b2 in blocks:
        block = AFD(w1.shape[1], w2.shape[0], w1.shape[0])
        block.load_state_dict(
            {"layers.0.weight": w1, "layers.0.bias": b1, "layers.2.weight": w2, "layers.2.bias": b2}
        )
        parts.append(block(pooled))
    return torch.cat(parts, dim=1).detach()


FEATURE = Exercise(
    id="12.1",
    title="Write it yourself: the disentangled feature",
    question=(
        "Write equations 1 and 2: one AFD block per attribute, $W_2\\, \\mathrm{ReLU}(W_1 f_g(I) + b_1) + b_2$,"
        " and all results joined in one row per picture."
    ),
    start=AFD_START,
    solution=AFD_SOLUTION,
    form=Function(
        {
            "two attributes": (_random(0, 3, 6), [_block(1, 6, 4, 2), _block(2, 6, 4, 2)]),
            "one attribute": (_random(3, 2, 5), [_block(4, 5, 3, 2)]),
        }
    ),
    oracle=_library_feature,
    wrong=(
        Wrong(
            AFD_SOLUTION.replace("torch.cat(parts, dim=1)", "torch.stack(parts).sum(dim=0)"),
            "You add the blocks' results, so the attributes are mixed again. Each one keeps numbers of its own.",
        ),
        Wrong(
            AFD_SOLUTION.replace(".relu()", ""),
            "Without the activation the two layers are one linear layer.",
        ),
        Wrong(
            AFD_SOLUTION.replace(
                "(pooled @ w1.T + b1).relu() @ w2.T + b2", "((pooled @ w1.T + b1).relu() @ w2.T + b2).relu()"
            ),
            "Your result has no negative numbers: you have an activation after the second layer, too.",
        ),
    ),
    hints=(
        "A linear layer on a batch is `x @ w.T + b`.",
        "Collect one (B, D) result per block in a list, then join them along the dimension of the numbers.",
    ),
    because="It equals the library's `AFD` blocks, side by side.",
    otherwise="Check the order: linear, ReLU, linear, for each block; then side by side.",
    points=3,
)

INDEPENDENT_START = '''
import numpy as np


def expected_counts(table):
    """table: (R, C), how often each pair of values occurs. Returns (R, C), the counts if both were independent."""
    return None  # write your code here
'''

INDEPENDENT_SOLUTION = '''
import numpy as np


def expected_counts(table):
    """table: (R, C), how often each pair of values occurs. Returns (R, C), the counts if both were independent."""
    table = np.asarray(table, dtype=float)
    return np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
'''

INDEPENDENT = Exercise(
    id="12.2",
    title="Are two attributes independent in the data?",
    question=(
        "A subspace can contain another attribute because the two are *correlated in the data*. A table says how often"
        " each pair of values occurs. Return the counts that one would expect if the two attributes were"
        " independent. The totals per row and per column stay the same."
    ),
    start=INDEPENDENT_START,
    solution=INDEPENDENT_SOLUTION,
    form=Function(
        {
            "a table of 2 x 2": ([[30, 10], [10, 50]],),
            "a table of 2 x 3": ([[4, 0, 6], [1, 5, 4]],),
            "an independent table": ([[2, 4], [3, 6]],),
        }
    ),
    wrong=(
        Wrong(
            "import numpy as np\n\n\n"
            "def expected_counts(table):\n"
            "    table = np.asarray(table, dtype=float)\n"
            "    return np.full(table.shape, table.mean())",
            "You spread all pictures evenly. The totals of rows and columns must stay: a frequent value stays"
            " frequent.",
        ),
        Wrong(
            "import numpy as np\n\n\n"
            "def expected_counts(table):\n"
            "    table = np.asarray(table, dtype=float)\n"
            "    return np.outer(table.sum(1), table.sum(0))",
            "Your numbers are products of counts, far above the number of pictures. A product of two *shares* is"
            " a share.",
        ),
        Wrong(
            "import numpy as np\n\n\n"
            "def expected_counts(table):\n"
            "    table = np.asarray(table, dtype=float)\n"
            "    return np.outer(table.sum(1), table.sum(0)) / table.sum() ** 2",
            "You return shares. The question asks for counts.",
        ),
    ),
    hints=(
        "If both were independent, the share of a pair would be the product of the two values' shares.",
        "`np.outer(rows, columns)` multiplies every row total by every column total. By which number do you still"
        " have to divide?",
    ),
    because="Where the real table differs much from this one, a leak may come from the data and not from the blocks.",
    otherwise="Check that the totals per row and per column are those of the given table.",
    points=2,
)

LEAK = Exercise(
    id="12.3",
    title="What does a probe show?",
    question=(
        "A probe on the subspace *for pattern* reads the shape with 70 %; the most frequent shape has 30 %."
        " Which sentences follow? Answer with all true letters in one text.\n\n"
        "- **a** The subspace for pattern holds information about the shape.\n"
        "- **b** The classifier for pattern uses that information.\n"
        "- **c** The training loss forbade this, so training has failed.\n"
        "- **d** If shape and pattern are correlated in the data, some of this information would be there in any case."
    ),
    start='answer_3 = None  # letters in one text, such as "bc"',
    solution='answer_3 = "ad"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong('answer_3 = "a"', "True. Think of the data as well: what if flared skirts always had dots?"),
        Wrong(
            'answer_3 = "abd"',
            "A probe shows what *can* be read from the numbers. It does not show what another classifier reads.",
        ),
        Wrong(
            'answer_3 = "acd"',
            "Look at the loss: is there a term that grows when a subspace contains another attribute?",
        ),
    ),
    hints=(
        "Separate what a subspace contains from what its own classifier uses.",
        "Compare with the last row of the matrix, and with a table of how often values occur together.",
    ),
    because="A probe shows which information a subspace contains. The loss allows it, and the data may cause it.",
    otherwise="Ask of each sentence whether the probe has measured it.",
)

EXERCISES = (FEATURE, INDEPENDENT, LEAK)

EXPLORE = (
    'Narrow subspaces should show less leakage. Train with four dimensions per attribute (`options={"dim": 4}`) and'
    " draw both matrices again.",
    "Fit the linear probe on the first $k$ principal components of each subspace. At which $k$ does a subspace's"
    " own attribute appear, and at which the others?",
)

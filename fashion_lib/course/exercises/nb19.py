"""Exercises of notebook 19: a step of the features, query expansion, and what an order-blind layer is."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function
from fashion_lib.tasks.retrieval.reranking import cosine_matrix, feature_step


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


STEP_START = '''
import torch


def one_step(features, target, rho):
    """features: (n, D); target: (n, n), the proposed similarities; rho: step size. Returns (n, D), eq. 13."""
    return None  # write your code here
'''

STEP_SOLUTION = '''
import torch


def one_step(features, target, rho):
    """features: (n, D); target: (n, n), the proposed similarities; rho: step size. Returns (n, D), eq. 13."""
    length = features.norm(dim=1, keepdim=True)  # (n, 1)
    unit = features / length
    similarity = unit @ unit.T
    moved = features.clone()
    for i in range(len(features)):
        for j in range(len(features)):
            direction = (unit[j] - similarity[i, j] * unit[i]) / length[i]
            moved[i] += rho * (target[i, j] - similarity[i, j]) * direction
    return moved
'''


def _library_step(features: Tensor, target: Tensor, rho: float) -> Tensor:
    return feature_step(features, cosine_matrix(features), target, rho)


BLOCKS = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])

STEP = Exercise(
    id="19.1",
    title="Write it yourself: a step of the features",
    question=(
        "Write equation 13: each feature moves by $\\rho \\sum_j (\\tilde s_{ij} - s_{ij}) (u_j - s_{ij} u_i) /"
        " \\|f_i\\|$. Loops are allowed."
    ),
    start=STEP_START,
    solution=STEP_SOLUTION,
    form=Function(
        {
            "three features of length 1": (F.normalize(_random(0, 3, 2), dim=1), BLOCKS, 0.3),
            "longer features": (2 * _random(1, 3, 4), BLOCKS, 0.5),
        }
    ),
    oracle=_library_step,
    wrong=(
        Wrong(
            STEP_SOLUTION.replace(
                "(unit[j] - similarity[i, j] * unit[i]) / length[i]", "unit[j] / length[i]"
            ),
            "You move straight towards the other feature. Only the part at a right angle to the own feature"
            " changes a cosine.",
        ),
        Wrong(
            STEP_SOLUTION.replace("(target[i, j] - similarity[i, j])", "(similarity[i, j] - target[i, j])"),
            "Your features move away from the target: check the sign.",
        ),
        Wrong(
            STEP_SOLUTION.replace(
                "(unit[j] - similarity[i, j] * unit[i]) / length[i]", "unit[j] - similarity[i, j] * unit[i]"
            ),
            "The length of the feature is missing: the cosine of a long vector changes less for the same step.",
        ),
    ),
    hints=(
        "Compute lengths, unit vectors $u$ and all similarities $s$ first.",
        "For each pair: how much should the similarity change, and which direction changes it?",
        "Sum over j for a fixed i before you go on; take all similarities from the *old* features.",
    ),
    because="It equals the library's `feature_step`, where two matrix products replace the loops.",
    otherwise="Check one pair by hand: direction, factor, sign. Use lengths and similarities of the *old* features.",
    points=3,
)

EXPANSION_START = '''
import torch


def expanded_order(query, candidates, first):
    """query: (D,), candidates: (N, D), rows of length 1; first: how many candidates enter the mean.

    Returns the candidates' numbers, best first, after query expansion.
    """
    return None  # write your code here
'''

EXPANSION_SOLUTION = '''
import torch


def expanded_order(query, candidates, first):
    """query: (D,), candidates: (N, D), rows of length 1; first: how many candidates enter the mean.

    Returns the candidates' numbers, best first, after query expansion.
    """
    nearest = (candidates @ query).argsort(descending=True)[:first]
    joined = torch.cat([query[None], candidates[nearest]]).mean(dim=0)
    return (candidates @ joined).argsort(descending=True)
'''

QUERY = F.normalize(torch.tensor([1.0, 0.2, 0.0]), dim=0)
LIST = F.normalize(torch.tensor([
    [0.55, 0.0, 0.8], [0.9, 0.1, 0.5], [0.8, 0.6, 0.0], [0.1, 1.0, 0.3], [0.7, -0.2, 0.9], [0.7, -0.75, -0.2],
]), dim=1)  # fmt: skip

EXPANSION = Exercise(
    id="19.2",
    title="Query expansion",
    question=(
        "Query expansion (Chum et al. 2007) replaces the query by the mean of its own vector and the vectors of"
        " its first candidates, and ranks again. Write the function. It returns the new order of all candidates."
    ),
    start=EXPANSION_START,
    solution=EXPANSION_SOLUTION,
    form=Function(
        {
            "two candidates join": (QUERY, LIST, 2),
            "one candidate joins": (QUERY, LIST, 1),
            "four candidates join": (QUERY, LIST, 4),
            "another query": (F.normalize(torch.tensor([0.1, 0.6, 0.8]), dim=0), LIST, 2),
        }
    ),
    wrong=(
        Wrong(
            "def expanded_order(query, candidates, first):\n    return (candidates @ query).argsort(descending=True)",
            "That is the ranking without expansion.",
        ),
        Wrong(
            EXPANSION_SOLUTION.replace(
                "torch.cat([query[None], candidates[nearest]]).mean(dim=0)", "candidates[nearest].mean(dim=0)"
            ),
            "The query itself is no longer in the mean.",
        ),
        Wrong(
            EXPANSION_SOLUTION.replace(
                "(candidates @ query).argsort(descending=True)[:first]", "torch.arange(first)"
            ),
            "You take the first candidates of the *table*. Take those that the query ranks first.",
        ),
    ),
    hints=(
        "Rank once with the query, and keep the first numbers.",
        "Average the query and these candidates, then rank all candidates again. The length of the mean does not"
        " change an order.",
    ),
    because="It costs one more product per query. Compare what it gains with what FR gains.",
    otherwise="Rank twice: once to choose the first candidates, and once with the mean.",
    points=2,
)

FAIR = Exercise(
    id="19.3",
    title="What is fair?",
    question=(
        "FR moves the features of a query's candidates, using the similarities among them. Beside IPAD+FR a"
        " table prints RPF without re-ranking. Which sentences are true? Answer with all true letters in one"
        " text.\n\n"
        "- **a** FR uses the test labels.\n"
        "- **b** FR uses other test pictures than the query and the one candidate that is being scored.\n"
        "- **c** The fair comparison puts the same re-ranking on both methods, or on none.\n"
        "- **d** A candidate's score no longer depends on which other candidates are in the gallery."
    ),
    start='answer_3 = None  # letters in one text, such as "ad"',
    solution='answer_3 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_3 = "ab"',
            "The network has learned from training pictures; at test time it sees similarities only.",
        ),
        Wrong(
            'answer_3 = "c"',
            "True, and there is a reason for it: what does FR read that a plain ranking does not?",
        ),
        Wrong(
            'answer_3 = "bcd"', "Take a candidate out of the gallery: do the others' features move as before?"
        ),
    ),
    hints=(
        "A plain ranking compares the query with each candidate by itself. What does FR compare in addition?",
        "Methods that look at the whole test list at once are called transductive.",
    ),
    because="FR is transductive. That is allowed, but a table must say so, and give FR to both methods.",
    otherwise="Ask which pictures and which labels enter the score of one candidate.",
)

EXERCISES = (STEP, EXPANSION, FAIR)

EXPLORE = (
    "Is the learned $o$ better than the typed one? Put `SharedFriends(factor)` into"
    " `FeatureReasoning(config.nodes, config.rounds, config.rho)` and try factors from 0.001 to 0.1. Which number"
    " should replace the typed 0.6?",
    "Iterate more often than FR was trained for: `reasoning.steps = 6`. How does the distance to the target go on,"
    " and does MAP follow it?",
)

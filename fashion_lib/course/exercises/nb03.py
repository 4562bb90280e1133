"""Exercises of notebook 03: the triplet loss, its floor, CSN's mask, the mean over active triplets, and collapse."""

from types import SimpleNamespace

import torch
from torch import Tensor

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.methods.csn import ConditionalSimilarityNetwork
from fashion_lib.parts.losses import triplet_list_loss


def _unit(seed: int, *shape: int) -> Tensor:
    """Random vectors of length 1."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm(dim=-1, keepdim=True)


LOSS_START = '''
import torch


def my_triplet_loss(anchor, positive, negative, margin):
    """anchor, positive, negative: (T, D), rows of length 1. Returns the mean hinge of the T triplets, one number."""
    return None  # write your code here
'''

LOSS_SOLUTION = '''
import torch


def my_triplet_loss(anchor, positive, negative, margin):
    """anchor, positive, negative: (T, D), rows of length 1. Returns the mean hinge of the T triplets, one number."""
    to_positive = (anchor * positive).sum(1)  # (T,)
    to_negative = (anchor * negative).sum(1)  # (T,)
    return (margin + to_negative - to_positive).clamp(min=0).mean()
'''


def _library_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    count = len(anchor)
    triplets = torch.arange(3 * count).view(3, count).T  # (T, 3): rows of the joined vectors
    return triplet_list_loss(torch.cat([anchor, positive, negative]), triplets, margin)[0]


TRIPLET_LOSS = Exercise(
    id="03.1",
    title="Write it yourself: the triplet loss",
    question=(
        "Write the mean of $\\max(0, m + s(a, n) - s(a, p))$ over $T$ triplets, where $s$ is the cosine"
        " similarity. All rows have length 1. Use tensor operations that have a gradient, and no loop."
    ),
    start=LOSS_START,
    solution=LOSS_SOLUTION,
    form=Function(
        {
            "one triplet in order": (
                *(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]])),
                torch.tensor([[0.0, 1.0]]),
                0.2,
            ),
            "five random triplets": (_unit(0, 5, 3), _unit(1, 5, 3), _unit(2, 5, 3), 0.2),
            "a larger margin": (_unit(3, 4, 2), _unit(4, 4, 2), _unit(5, 4, 2), 0.5),
            "three times one point": (*(3 * (_unit(6, 2, 4),)), 0.2),
        }
    ),
    oracle=_library_loss,
    wrong=(
        Wrong(
            "def my_triplet_loss(anchor, positive, negative, margin):\n"
            "    return (margin + (anchor * negative).sum(1) - (anchor * positive).sum(1)).mean()",
            "A solved triplet makes your loss negative. It should add 0, not lower the sum.",
        ),
        Wrong(
            "def my_triplet_loss(anchor, positive, negative, margin):\n"
            "    return (margin + (anchor * positive).sum(1) - (anchor * negative).sum(1)).relu().mean()",
            "Your loss falls when the negative comes closer. Look at the signs of the two similarities.",
        ),
        Wrong(
            "def my_triplet_loss(anchor, positive, negative, margin):\n"
            "    near, far = (anchor - positive).norm(dim=1), (anchor - negative).norm(dim=1)\n"
            "    return (margin + near - far).relu().mean()",
            "You compare distances. Here the loss compares cosine similarities, which grow when two vectors come"
            " closer.",
        ),
    ),
    hints=(
        "The cosine of two rows of length 1 is their dot product: multiply and sum over the last dimension.",
        "Compute the T numbers inside the maximum first, then replace negative ones by 0, then take the mean.",
    ),
    because="It equals the library's `triplet_list_loss`, and at a collapse (three equal vectors) it is the margin.",
    otherwise="Compute the case by hand with two-dimensional vectors.",
    points=3,
)

FLOOR = Exercise(
    id="03.2",
    title="Two against one",
    question=(
        "The notebook shows two attributes that contradict each other: their mean loss is never below the"
        " margin. Now *three* attributes share one space, with one triplet each. For two of them, the anchor A has the"
        " positive B and the negative C. For the third, C is the positive and B the negative. The margin is"
        " 0.3. What is the lowest mean loss of the three that any $d = s(A, C) - s(A, B)$ reaches?"
    ),
    start="answer_2 = None  # a number",
    solution=(
        "margin = 0.3\n"
        "places = [k / 1000 for k in range(-1000, 1001)]\n"
        "answer_2 = min((2 * max(0, margin + d) + max(0, margin - d)) / 3 for d in places)"
    ),
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_2 = 0.3",
            "That is the loss at d = 0, where no triplet is solved. Move d to the side of the majority.",
        ),
        Wrong(
            "answer_2 = 0.1",
            "You counted one margin for the minority. Its hinge is larger: the margin *plus* the gap that the"
            " majority needs.",
        ),
        Wrong(
            "answer_2 = 0.0",
            "No place solves all three triplets: a gap that is right for the majority is wrong for the minority.",
        ),
    ),
    hints=(
        "Write the mean as a function of d: two hinges max(0, m + d) and one max(0, m − d).",
        "The function is made of straight pieces, so its minimum is at a corner. Where are the two corners?",
        "At d = −m both hinges of the majority are 0. What is the hinge of the minority there?",
    ),
    because="The majority's loss is 0 and the minority's is twice the margin: one space cannot satisfy all three.",
    otherwise="Draw the mean of the three hinges over d.",
)

MASK_START = '''
import torch


def masked_embedding(embedding, beta, attributes):
    """embedding: (B, D); beta: (attributes, D), free numbers; attributes: int64 (B,). Returns (B, D) of length 1."""
    return None  # write your code here
'''

MASK_SOLUTION = '''
import torch


def masked_embedding(embedding, beta, attributes):
    """embedding: (B, D); beta: (attributes, D), free numbers; attributes: int64 (B,). Returns (B, D) of length 1."""
    selected = embedding * beta.relu()[attributes]  # (B, D)
    return torch.nn.functional.normalize(selected, dim=1)
'''


def _library_mask(embedding: Tensor, beta: Tensor, attributes: Tensor) -> Tensor:
    """The library's CSN with these masks, and a linear layer that changes nothing."""
    schema = Schema(tuple(Attribute(f"a{k}", ("x", "y")) for k in range(len(beta))))
    network = ConditionalSimilarityNetwork(schema, SimpleNamespace(out_channels=embedding.shape[1]))
    with torch.no_grad():
        network.linear.weight.copy_(torch.eye(embedding.shape[1]))
        network.linear.bias.zero_()
        network.masks.copy_(beta)
        return network.attend(embedding[:, :, None, None], attributes).embedding


BETA = torch.tensor([[1.0, -2.0, 0.5, 0.0], [-0.3, 0.8, 0.2, 1.5]])
EMBEDDING = torch.tensor([[1.0, 2.0, -1.0, 0.5], [-1.0, 0.3, 2.0, 1.0], [0.2, -0.4, 0.6, -2.0]])

MASK = Exercise(
    id="03.3",
    title="Write it yourself: CSN's mask",
    question=(
        "Write the conditional embedding of CSN: $m_a = \\mathrm{ReLU}(\\beta_a)$, then $f(x) \\odot m_a$, then"
        " length 1. Row $i$ of the batch uses the mask of attribute `attributes[i]`."
    ),
    start=MASK_START,
    solution=MASK_SOLUTION,
    form=Function(
        {
            "two attributes": (EMBEDDING, BETA, torch.tensor([0, 1, 1])),
            "one picture, both attributes": (EMBEDDING[[0, 0]], BETA, torch.tensor([0, 1])),
        }
    ),
    oracle=_library_mask,
    wrong=(
        Wrong(
            "def masked_embedding(embedding, beta, attributes):\n    product = embedding * beta[attributes]\n"
            "    return product / product.norm(dim=1, keepdim=True)",
            "A negative number in your mask turns a dimension around. The mask passes a ReLU first, so that it"
            " can only keep or drop.",
        ),
        Wrong(
            "def masked_embedding(embedding, beta, attributes):\n"
            "    product = (embedding * beta[attributes]).relu()\n"
            "    return product / product.norm(dim=1, keepdim=True)",
            "You apply the ReLU to the product, so negative numbers of the embedding are lost. Only the mask"
            " passes it.",
        ),
        Wrong(
            "def masked_embedding(embedding, beta, attributes):\n"
            "    unit = embedding / embedding.norm(dim=1, keepdim=True)\n    return unit * beta.relu()[attributes]",
            "You bring the embedding to length 1 before the mask, so the result is shorter. Order: mask, then"
            " length.",
        ),
    ),
    hints=(
        "`beta[attributes]` picks one row of masks per picture: (B, D).",
        "What happens to a negative number of beta, and what to a negative number of the embedding?",
        "Divide each row by its own length: `torch.nn.functional.normalize` does it along one dimension.",
    ),
    because="It equals the library's CSN with the same numbers.",
    otherwise="Every row must have length 1, and a dimension whose beta is negative must be 0.",
    points=3,
)

ACTIVE = Exercise(
    id="03.4",
    title="Which mean?",
    question=(
        "One attribute of a batch has ten valid triplets. Seven hinges are 0, the others are 0.1, 0.2 and 0.3."
        ' Give two numbers: the mean over the *active* triplets (`mining="all"`), and the mean over all ten'
        ' (`mining="mean"`, the course\'s setting).'
    ),
    start="answer_4 = None  # a list of two numbers",
    solution="answer_4 = [(0.1 + 0.2 + 0.3) / 3, (0.1 + 0.2 + 0.3) / 10]",
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_4 = [0.06, 0.2]", "The order is exchanged. Which of the two divides by fewer triplets?"
        ),
        Wrong(
            "answer_4 = [0.6, 0.06]",
            "The first is the sum. Divide it by the number of triplets whose hinge is above 0.",
        ),
        Wrong(
            "answer_4 = [0.06, 0.06]",
            "You divided by all triplets twice. A solved triplet does not count in the first mean.",
        ),
    ),
    hints=(
        "A triplet is active if its hinge is above 0. How many are?",
        "Both means have the same sum on top; only the number below differs.",
    ),
    because="The mean over active triplets keeps its size when most are solved, so it can stand still while"
    " training helps.",
    otherwise="Add the hinges once, and divide by two different numbers.",
)

COLLAPSE = Exercise(
    id="03.5",
    title="A loss that stands still",
    question=(
        "The training loss stands at 0.2000 for 300 steps; the margin is 0.2. Which number of the log decides"
        " whether the space has collapsed into one point? Answer with one letter.\n\n"
        "- **a** The learning rate: at 0 nothing moves.\n"
        "- **b** The number of valid triplets in a batch.\n"
        "- **c** The mean similarity of two examples.\n"
        "- **d** The validation MAP: at collapse it is 0."
    ),
    start='answer_5 = None  # one letter, such as "a"',
    solution='answer_5 = "c"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_5 = "a"',
            "A learning rate of 0 stops any loss at any number. It does not explain the margin.",
        ),
        Wrong(
            'answer_5 = "b"',
            "That number depends on the labels of the batch, not on where the embeddings lie.",
        ),
        Wrong(
            'answer_5 = "d"',
            "With equal similarities the order is arbitrary, so MAP is at chance, which is above 0; an untrained"
            " space may have the same MAP.",
        ),
    ),
    hints=(
        "What is the hinge of a triplet when anchor, positive and negative are one point?",
        "An early training with useful embeddings can have the same loss. What differs between the two situations?",
    ),
    because="Near 1, all embeddings are alike: a collapse. Well below 1, the triplets are just not solved yet.",
    otherwise="Ask which number says where the embeddings lie.",
)

EXERCISES = (TRIPLET_LOSS, FLOOR, MASK, ACTIVE, COLLAPSE)

EXPLORE = (
    "Train CSN with fixed masks and put it beside the other two. On which attributes do fixed blocks lose? Start with"
    ' `fl.load_or_train("csn", variant="fixed", profile=settings, seed=seed, data=data)`.',
    "Repeat the probe with the region moved to another picture's place (`weights.roll(1, 0)`). How much of the"
    " gain comes from the right place in *this* picture, and how much from the *usual* place?",
)

"""Exercises of notebook 04: ASA and ACA by themselves, the whole of ASEN as a student writes it, and what they cost."""

import copy
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Malformed, Number, Unanswered
from fashion_lib.course.exercises.student_asen import LAYERS, copy_weights
from fashion_lib.methods.asen import ASEN
from fashion_lib.parts.attention import ChannelAttention, SpatialAttention
from fashion_lib.parts.losses import triplet_list_loss


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


ASA_START = '''
import torch


def where_to_look(keys, query):
    """keys: (B, A, h, w), after the tanh; query: (B, A), after the tanh. Returns the attention (B, h, w)."""
    return None  # write your code here
'''

ASA_SOLUTION = '''
import torch


def where_to_look(keys, query):
    """keys: (B, A, h, w), after the tanh; query: (B, A), after the tanh. Returns the attention (B, h, w)."""
    scores = torch.einsum("ba,bahw->bhw", query, keys) / keys.shape[1] ** 0.5  # (B, h, w)
    return scores.flatten(1).softmax(dim=1).view_as(scores)
'''

WHERE = Exercise(
    id="04.1",
    title="Write it yourself: ASA",
    question=(
        "Write the last two steps of attribute-aware spatial attention: the scaled sum $s_j = \\frac{1}{\\sqrt"
        " A} \\sum_k p(a)_k\\, p(I)_{k,j}$ and the softmax over *all* positions of a picture."
    ),
    start=ASA_START,
    solution=ASA_SOLUTION,
    form=Function(
        {
            "one picture of 2 x 3 positions": (_random(0, 1, 4, 2, 3).tanh(), _random(1, 1, 4).tanh()),
            "two pictures of 3 x 3 positions": (_random(2, 2, 9, 3, 3).tanh(), _random(3, 2, 9).tanh()),
        }
    ),
    oracle=lambda keys, query: SpatialAttention(4, keys.shape[1], nn.Identity())(keys, query),
    wrong=(
        Wrong(
            "import torch\n\n\ndef where_to_look(keys, query):\n"
            "    s = torch.einsum('ba,bahw->bhw', query, keys)\n    return s.flatten(1).softmax(1).view_as(s)",
            "The factor that keeps the sum from growing with A is missing.",
        ),
        Wrong(
            "import torch\n\n\ndef where_to_look(keys, query):\n"
            "    s = torch.einsum('ba,bahw->bhw', query, keys) / keys.shape[1] ** 0.5\n    return s.softmax(-1)",
            "Your weights sum to 1 over each row of cells. One softmax runs over all positions of a picture"
            " together.",
        ),
        Wrong(
            "import torch\n\n\ndef where_to_look(keys, query):\n"
            "    s = torch.einsum('ba,bahw->bhw', query, keys) / keys.shape[1]\n"
            "    return s.flatten(1).softmax(1).view_as(s)",
            "You divide by A itself. The spread of a sum of A terms grows with the root of A.",
        ),
    ),
    hints=(
        "Multiply query and keys channel by channel and sum over the channels; `torch.einsum` does both.",
        "A softmax runs along one dimension. Make the h × w positions one dimension first, and undo that afterwards.",
    ),
    because="It equals the library's `SpatialAttention` on the same keys.",
    otherwise="Each picture's weights must sum to 1 over h × w.",
    points=2,
)

ACA_START = '''
import torch


def what_matters(vector, attribute_side, w1, w2):
    """vector: (B, C), after ASA; attribute_side: (B, A), after its ReLU; w1: (A, C + A); w2: (C, A).

    Returns the gated vector (B, C), not yet of length 1.
    """
    return None  # write your code here
'''

ACA_SOLUTION = '''
import torch


def what_matters(vector, attribute_side, w1, w2):
    """vector: (B, C), after ASA; attribute_side: (B, A), after its ReLU; w1: (A, C + A); w2: (C, A).

    Returns the gated vector (B, C), not yet of length 1.
    """
    joined = torch.cat([vector, attribute_side], dim=1)  # (B, C + A)
    gate = torch.sigmoid((joined @ w1.T).relu() @ w2.T)  # (B, C)
    return vector * gate
'''


def _library_gate(vector: Tensor, attribute_side: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
    gate = ChannelAttention(vector.shape[1], w1.shape[0], nn.Identity())
    with torch.no_grad():
        for layer, weight in ((gate.hidden, w1), (gate.gate, w2)):
            layer.weight.copy_(weight)
            layer.bias.zero_()
        return vector * gate(vector, attribute_side)


MATTERS = Exercise(
    id="04.2",
    title="Write it yourself: ACA",
    question=(
        "Write attribute-aware channel attention without its biases: $g = \\sigma(W_2\\, \\mathrm{ReLU}(W_1 [x;"
        " q(a)]))$, then $x \\odot g$."
    ),
    start=ACA_START,
    solution=ACA_SOLUTION,
    form=Function(
        {
            "one vector": (_random(4, 1, 3), _random(5, 1, 2).relu(), _random(6, 2, 5), _random(7, 3, 2)),
            "four vectors": (_random(8, 4, 3), _random(9, 4, 3).relu(), _random(10, 3, 6), _random(11, 3, 3)),
        }
    ),
    oracle=_library_gate,
    wrong=(
        Wrong(
            "import torch\n\n\ndef what_matters(vector, attribute_side, w1, w2):\n"
            "    joined = torch.cat([vector, attribute_side], dim=1)\n"
            "    return torch.sigmoid((joined @ w1.T).relu() @ w2.T)",
            "You return the gate. The result is the vector, each channel multiplied by its gate.",
        ),
        Wrong(
            "import torch\n\n\ndef what_matters(vector, attribute_side, w1, w2):\n"
            "    joined = torch.cat([vector, attribute_side], dim=1)\n"
            "    return vector * torch.sigmoid(joined @ w1.T @ w2.T)",
            "The ReLU between the two layers is missing, so both together are one linear layer.",
        ),
        Wrong(
            "import torch\n\n\ndef what_matters(vector, attribute_side, w1, w2):\n"
            "    joined = torch.cat([vector, attribute_side], dim=1)\n"
            "    return vector * ((joined @ w1.T).relu() @ w2.T).softmax(1)",
            "Your gates sum to 1 over the channels, so they depend on each other. Each gate is a sigmoid of its own.",
        ),
    ),
    hints=(
        "Join the two inputs along the channels, so that each row has C + A numbers.",
        "Two linear layers with a ReLU between them, and a sigmoid at the end. What does the result multiply?",
    ),
    because="It equals the library's `ChannelAttention` without biases.",
    otherwise="Check the order of the two parts in the joined vector: the picture's part comes first.",
    points=2,
)

ASEN_START = '''
import torch
from torch import nn


class StudentASEN(nn.Module):
    """ASEN behind its backbone: a feature map and an attribute id give an embedding of length 1."""

    def __init__(self, attributes, channels, dim):
        super().__init__()
        # Seven layers, named attribute, conv, norm, spatial_side, channel_side, hidden and gate.

    def forward(self, feature_map, attributes):
        """feature_map: (B, C, h, w); attributes: int64 (B,). Returns (B, C)."""
        return None  # write your code here
'''

ASEN_SOLUTION = '''
import torch
from torch import nn


class StudentASEN(nn.Module):
    """ASEN behind its backbone: a feature map and an attribute id give an embedding of length 1."""

    def __init__(self, attributes, channels, dim):
        super().__init__()
        self.attribute = nn.Embedding(attributes, dim)
        self.conv = nn.Conv2d(channels, dim, kernel_size=1)
        self.norm = nn.BatchNorm2d(dim)
        self.spatial_side = nn.Linear(dim, dim)
        self.channel_side = nn.Linear(dim, dim)
        self.hidden = nn.Linear(channels + dim, dim)
        self.gate = nn.Linear(dim, channels)

    def look(self, feature_map, attribute):
        """ASA: (B, C, h, w) and (B, A) -> weights (B, h, w)."""
        keys = self.norm(self.conv(feature_map)).tanh()  # (B, A, h, w)
        query = self.spatial_side(attribute).tanh()  # (B, A)
        scores = torch.einsum("ba,bahw->bhw", query, keys) / query.shape[1] ** 0.5
        return scores.flatten(1).softmax(dim=1).view_as(scores)

    def choose(self, vector, attribute):
        """ACA: (B, C) and (B, A) -> gate (B, C)."""
        joined = torch.cat([vector, self.channel_side(attribute).relu()], dim=1)
        return torch.sigmoid(self.gate(self.hidden(joined).relu()))

    def forward(self, feature_map, attributes):
        """feature_map: (B, C, h, w); attributes: int64 (B,). Returns (B, C)."""
        attribute = self.attribute(attributes)  # (B, A)
        weights = self.look(feature_map, attribute)
        vector = torch.einsum("bhw,bchw->bc", weights, feature_map)  # (B, C)
        return nn.functional.normalize(vector * self.choose(vector, attribute), dim=1)
'''

CHANNELS, ATTRIBUTES = 8, 3


def _library() -> ASEN:
    """The library's ASEN for feature maps of CHANNELS channels, with the same weights each time."""
    schema = Schema(tuple(Attribute(f"a{k}", ("x", "y")) for k in range(ATTRIBUTES)))
    state = torch.random.get_rng_state()
    torch.manual_seed(4)
    network = ASEN(schema, SimpleNamespace(out_channels=CHANNELS))
    torch.random.set_rng_state(state)
    return network


def _with_library_weights(student: type) -> nn.Module:
    """An instance of the student's class with the library's start weights."""
    library = _library()
    network = student(ATTRIBUTES, CHANNELS, library.attribute.embedding_dim)
    if not list(network.parameters()):  # nothing is written yet
        raise Unanswered
    try:
        copy_weights(network, library)
    except AttributeError as error:
        text = f"Your class has no layer named {error}: the check copies weights by these names."
        raise Malformed(text) from None
    except RuntimeError as error:
        name = next((name for name in LAYERS if _misfit(network, name, library)), "gate")
        raise Malformed(f"The layer {name} has other sizes than the table says, or no bias.") from error
    return network


def _misfit(network: nn.Module, name: str, library: ASEN) -> bool:
    """Whether a layer's weights have other names or shapes than the library's."""
    mine, theirs = getattr(network, name).state_dict(), library.get_submodule(LAYERS[name]).state_dict()
    return {key: part.shape for key, part in mine.items()} != {
        key: part.shape for key, part in theirs.items()
    }


def _embedder(answer: type):
    """A module, and a function from feature maps and attribute ids to embeddings; for both classes."""
    if answer is ASEN:
        library = _library()

        def embed(maps: Tensor, attributes: Tensor) -> Tensor:
            keys = library.spatial.keys(maps)
            features = library.select(SimpleNamespace(image_map=maps, keys=keys), torch.arange(len(maps)))
            return library.attend(features, attributes).embedding

        return library, embed
    network = _with_library_weights(answer)
    return network, network


def _use(answer: type, maps: Tensor, attributes: Tensor, steps: int) -> Tensor:
    """Embeddings after some steps of Adam on one triplet; without steps as at test time."""
    network, embed = _embedder(answer)
    if embed(maps, attributes) is None:
        return None
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(steps):
        loss, _ = triplet_list_loss(embed(maps, attributes), torch.tensor([[0, 1, 2], [1, 0, 2]]), margin=2.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        return copy.deepcopy(embed(maps, attributes))


MAPS = _random(12, 4, CHANNELS, 3, 3).relu()

STUDENT = Exercise(
    id="04.3",
    title="Write it yourself: the whole of ASEN",
    question=(
        "Put the pieces together: a class of about 40 lines. Its seven layers must have the names below, because"
        " the check copies the library's start weights into yours. It then compares embeddings, also after five"
        " steps of training.\n\n"
        "| name | from → to | used in |\n"
        "|---|---|---|\n"
        "| `attribute` | id → A | an embedding table |\n"
        "| `conv` | C → A, 1 × 1 | ASA, image side |\n| `norm` | A | ASA, image side, behind `conv` |\n"
        "| `spatial_side` | A → A | ASA, attribute side |\n| `channel_side` | A → A | ACA, attribute side |\n"
        "| `hidden` | C + A → A | ACA |\n| `gate` | A → C | ACA |"
    ),
    start=ASEN_START,
    solution=ASEN_SOLUTION,
    form=Function(
        {
            "four feature maps": (MAPS, torch.tensor([0, 1, 2, 1]), 0),
            "one feature map under three attributes": (MAPS[[0, 0, 0]], torch.tensor([0, 1, 2]), 0),
            "five steps of training": (MAPS, torch.tensor([1, 1, 1, 0]), 5),
        },
        call=_use,
        tolerance=1e-3,
    ),
    oracle=ASEN,
    wrong=(
        Wrong(
            ASEN_SOLUTION.replace(
                "self.norm(self.conv(feature_map)).tanh()", "self.conv(feature_map).tanh()"
            ),
            "Your image side leaves out the batch normalisation: it stands between the convolution and the tanh.",
        ),
        Wrong(
            ASEN_SOLUTION.replace(
                "vector * self.choose(vector, attribute), dim=1", "self.choose(vector, attribute), dim=1"
            ),
            "Your embedding is the gate, brought to length 1. The gate multiplies the attended vector first.",
        ),
        Wrong(
            ASEN_SOLUTION.replace(
                "weights = self.look(feature_map, attribute)",
                "weights = self.look(feature_map, attribute).mean() * torch.ones_like(feature_map[:, 0])",
            ),
            "Every position has the same weight in your sum, so the map is averaged as in notebook 03. Use the"
            " attention.",
        ),
    ),
    hints=(
        "Two methods make it readable: one that returns weights (B, h, w), one that returns a gate (B, C).",
        "ASA: tanh on both sides, a sum over A divided by the root of A, one softmax over all positions. Then"
        " the weighted sum of the feature map gives (B, C).",
        "ACA's inputs are the attended vector and the ReLU of its attribute side. Multiply the vector by the gate, then"
        " bring it to length 1.",
    ),
    because="Your class gives the library's embeddings, and still does after five steps of training.",
    otherwise='Compare step by step with the section "All of it, on a real picture".',
    points=5,
)

PASSES = Exercise(
    id="04.4",
    title="What do eight attributes cost?",
    question=(
        "You index 1,000 pictures under 8 attributes. How many pictures pass the backbone? Give two numbers: for"
        " ASEN as the library runs it, and for eight networks, one per attribute."
    ),
    start="answer_4 = None  # a list of two numbers",
    solution="answer_4 = [1000, 1000 * 8]",
    form=Number(0.5),
    wrong=(
        Wrong(
            "answer_4 = [8000, 8000]",
            "ASEN's feature map does not depend on the attribute, so it need not be computed again.",
        ),
        Wrong(
            "answer_4 = [1000, 1000]",
            "Eight networks have eight backbones. Each of them must see each picture.",
        ),
        Wrong(
            "answer_4 = [8000, 1000]", "The order is exchanged: which of the two can share its feature map?"
        ),
    ),
    hints=(
        "Where does the attribute enter ASEN: before or behind the backbone?",
        "Count for one picture first, under all attributes.",
    ),
    because="The attribute enters behind the backbone, so all attributes share the expensive part.",
    otherwise="Count the pictures that go through a backbone, per network.",
)

ABSENT = Exercise(
    id="04.5",
    title="An attribute that is not there",
    question=(
        "ASEN computes the attention map of the skirt length for a picture that shows trousers and no skirt."
        " What does this map look like? Answer with all true letters in one text.\n\n"
        "- **a** All its weights are 0.\n"
        "- **b** Its weights sum to 1, as always.\n"
        "- **c** It can be as sharp as for a skirt.\n"
        "- **d** Its sum tells whether the attribute is visible."
    ),
    start='answer_5 = None  # letters in one text, such as "ad"',
    solution='answer_5 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_5 = "a"',
            "A softmax cannot be 0 everywhere: think of what it is divided by.",
        ),
        Wrong(
            'answer_5 = "b"',
            "What you chose is true. Is there anything in the formula that makes the map flat here?",
        ),
        Wrong(
            'answer_5 = "bd"',
            "One sentence contradicts the other: a sum that is the same for every picture says nothing about it.",
        ),
    ),
    hints=(
        "Look at the denominator of the softmax.",
        "The scores compare positions with the attribute. May trousers have a hem that resembles a skirt's?",
    ),
    because="The weights of a softmax sum to 1, whatever the picture shows. So the map cannot say that the attribute is"
    " not visible.",
    otherwise="Test each sentence with the formula of the softmax.",
)

EXERCISES = (WHERE, MATTERS, STUDENT, PASSES, ABSENT)

EXPLORE = (
    "Train your own class like a method of the course, and compare its MAP with ASEN's. Wrap it with"
    " `StudentRetrieval(StudentASEN, data.schema)` of `fashion_lib.course.exercises.student_asen`. Then call"
    " `train(network, data, training_config(settings, seed), folder, task=RETRIEVAL)`, as notebook 03 does, and"
    ' `fl.evaluate(network, data, "test").overall`.',
    "Draw the attention for an attribute that a picture does not show. Start with"
    ' `a = schema.index("skirt_length")`,'
    ' `absent = np.setdiff1d(data.encoded("test").image, data.shown_labels("test").of(a).image)[:3]`. Then import'
    " `attention` from `fashion_lib.tasks.retrieval.explain`, compute"
    ' `maps = attention(model, normalise(data.pixels[absent]), torch.full((3,), a))["spatial"]`, and draw them with'
    " `fl.show.overlay(data.pixels[row], heat / heat.max())`. Which positions get large weights, and how flat is"
    " each map?",
    "Multiply the scores by a factor before the softmax, without training anew, and evaluate at 0.5, 1 and"
    " 2. Scale the"
    ' output of `model.spatial.attribute_side` in a forward hook, then `fl.evaluate(model, data, "valid")`.',
    "Which attributes have similar maps? Average each attribute's map over 100 pictures, and draw the"
    " cosines between them with `fashion_lib.show.similarity_matrix`.",
)

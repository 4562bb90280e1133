"""Exercises of notebook 13: CBAM's channel gate, smoothed labels, and triplets of pictures with several labels."""

import torch
from torch import Tensor, nn

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.parts.cbam import ChannelGate


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


GATE_START = '''
import torch


def channel_gate(image_map, mlp):
    """image_map: (B, C, h, w); mlp: a function (B, C) -> (B, C). Returns CBAM's channel gate (B, C)."""
    return None  # write your code here
'''

GATE_SOLUTION = '''
import torch


def channel_gate(image_map, mlp):
    """image_map: (B, C, h, w); mlp: a function (B, C) -> (B, C). Returns CBAM's channel gate (B, C)."""
    return torch.sigmoid(mlp(image_map.mean(dim=(2, 3))) + mlp(image_map.amax(dim=(2, 3))))
'''


def _network(seed: int, channels: int) -> nn.Module:
    network = nn.Sequential(nn.Linear(channels, 4), nn.ReLU(), nn.Linear(4, channels))
    with torch.no_grad():
        for k, parameter in enumerate(network.parameters()):
            parameter.copy_(_random(seed + k, *parameter.shape))
    return network


def _library_gate(image_map: Tensor, mlp: nn.Module) -> Tensor:
    gate = ChannelGate(image_map.shape[1])
    gate.mlp = mlp
    return gate(image_map)


GATE = Exercise(
    id="13.1",
    title="Write it yourself: CBAM's channel gate",
    question=(
        "Write equation 2 of CBAM. *One* small network is applied to the mean and to the maximum over positions."
    ),
    start=GATE_START,
    solution=GATE_SOLUTION,
    form=Function(
        {
            "two pictures": (_random(0, 2, 3, 2, 2), _network(10, 3)),
            "one picture": (_random(1, 1, 5, 3, 2), _network(20, 5)),
        }
    ),
    oracle=_library_gate,
    wrong=(
        Wrong(
            GATE_SOLUTION.replace(" + mlp(image_map.amax(dim=(2, 3)))", ""),
            "Your gate sees the mean only. A channel with one strong position looks like one with many weak ones.",
        ),
        Wrong(
            GATE_SOLUTION.replace(
                "mlp(image_map.mean(dim=(2, 3))) + mlp(image_map.amax(dim=(2, 3)))",
                "mlp(image_map.mean(dim=(2, 3)) + image_map.amax(dim=(2, 3)))",
            ),
            "You add mean and maximum before the network. It reads each of them by itself, and has a ReLU inside.",
        ),
        Wrong(
            "import torch\n\n\n"
            "def channel_gate(image_map, mlp):\n"
            "    return torch.sigmoid(mlp(image_map.mean((2, 3)))) + torch.sigmoid(mlp(image_map.amax((2, 3))))",
            "Your gate can exceed 1, because you add after the sigmoid.",
        ),
    ),
    hints=(
        "Mean and maximum go over the last two dimensions and leave (B, C).",
        "Call the network twice, add the two results, and put one sigmoid around the sum.",
    ),
    because="It equals the library's `ChannelGate`.",
    otherwise="One network, two summaries, one sum, one sigmoid.",
    points=2,
)

SMOOTH = Exercise(
    id="13.2",
    title="What does label smoothing answer?",
    question=(
        "One picture in seven has a value. A network that does not recognise the value answers the same $p$ for"
        " every picture. With targets 1 and 0, the plain cross-entropy is smallest at $p = 1/7$. Now the targets"
        " are smoothed to 0.9 and 0.1. At which $p$ is it smallest? Give three digits."
    ),
    start="answer_2 = None  # a number between 0 and 1",
    solution="answer_2 = (1 * 0.9 + 6 * 0.1) / 7",
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_2 = 1 / 7",
            "That is the answer without smoothing. The six pictures without the value now have the target 0.1.",
        ),
        Wrong(
            "answer_2 = 0.9 / 7",
            "You smoothed the target of the picture with the value, but not the targets of the others.",
        ),
        Wrong(
            "answer_2 = 0.5",
            "That is the answer with the weights of eq. 4, which give both kinds the same total. Smoothing is another"
            " change.",
        ),
    ),
    hints=(
        "The cross-entropy of one common answer is smallest at the mean of the targets.",
        "Take the mean of seven targets: one is 0.9, six are 0.1.",
    ),
    because="Smoothing moves the answer a little towards one half; the weights of eq. 4 move it to one half.",
    otherwise="Which common answer fits seven targets best?",
)

PAIRS_START = '''
import torch


def count_triplets(labels):
    """labels: bool (N, V), the values of one attribute; a row without any True: the attribute is not known.

    Returns the number of triplets (anchor, positive, negative).
    """
    return None  # write your code here
'''

PAIRS_SOLUTION = '''
import torch


def count_triplets(labels):
    """labels: bool (N, V), the values of one attribute; a row without any True: the attribute is not known.

    Returns the number of triplets (anchor, positive, negative).
    """
    held = labels[labels.any(dim=1)].float()  # pictures of which the attribute is known
    shares = held @ held.T > 0  # (M, M): at least one common value
    positives = shares.sum(dim=1) - 1  # not itself
    negatives = (~shares).sum(dim=1)
    return (positives * negatives).sum()
'''

TABLE = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]).bool()

PAIRS = Exercise(
    id="13.3",
    title="Triplets of pictures with several labels",
    question=(
        "A positive shares *at least one* of the anchor's values, a negative shares none, and a picture without"
        " the attribute is in no triplet. Count the triplets of a batch for one attribute."
    ),
    start=PAIRS_START,
    solution=PAIRS_SOLUTION,
    form=Function(
        {
            "five pictures": (TABLE,),
            "the four with labels": (TABLE[:4],),
            "two pictures": (TABLE[:2],),
            "six pictures": (TABLE[[0, 0, 1, 3, 3, 4]],),
            "two common values": (TABLE[[1, 1, 3]],),
        }
    ),
    wrong=(
        Wrong(
            PAIRS_SOLUTION.replace("labels[labels.any(dim=1)].float()", "labels.float()").replace(
                "shares.sum(dim=1) - 1", "(shares.sum(dim=1) - 1).clamp(min=0)"
            ),
            "You let pictures without the attribute be negatives. Not known is not the same as another value.",
        ),
        Wrong(
            PAIRS_SOLUTION.replace("held @ held.T > 0", "(held[:, None] == held[None]).all(dim=2)"),
            "You call a picture positive only if *all* values agree. One common value is enough.",
        ),
        Wrong(
            PAIRS_SOLUTION.replace(
                "    positives = shares.sum(dim=1) - 1  # not itself\n",
                "    positives = (held @ held.T).fill_diagonal_(0).sum(dim=1)\n",
            ),
            "You count a positive once per common value. Two pictures that share two values are still one pair.",
        ),
        Wrong(
            PAIRS_SOLUTION.replace(".sum(dim=1) - 1", ".sum(dim=1)"),
            "You let a picture be its own positive.",
        ),
    ),
    hints=(
        "First remove the rows without any True.",
        "`held @ held.T` counts the common values of each pair; the diagonal is the picture with itself.",
        "Per anchor, multiply the number of positives by the number of negatives.",
    ),
    because="These are the triplets of the library's `attribute_triplet_loss`.",
    otherwise="Write down who is positive and who is negative for the second picture.",
    points=2,
)

FLAT = Exercise(
    id="13.4",
    title="A gate that is no attention",
    question=(
        "After training, a position gate (a sigmoid) is 0.98 at all positions of all pictures. An average over"
        " positions follows, then linear layers. What has the gate done? Answer with one letter.\n\n"
        "- **a** It shows that all positions are important.\n"
        "- **b** It multiplies all features by one number, which the next layer could do as well.\n"
        "- **c** It removes the background.\n"
        "- **d** It puts most weight on the garment, as a heat map on its own colour scale would show."
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "b"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "A gate that is the same everywhere compares nothing, so it says nothing about importance.",
        ),
        Wrong(
            'answer_4 = "c"', "To remove something a gate must be low there. This one is the same everywhere."
        ),
        Wrong(
            'answer_4 = "d"',
            "On its own colour scale even differences in the third digit look like attention. That is the error"
            " of notebook 06.",
        ),
    ),
    hints=(
        "Would anything change if you replaced the gate by one number?",
        "Compare with a softmax, where positions compete: what does a sigmoid lack?",
    ),
    because="So measure how flat a gate is before you look at a picture of it.",
    otherwise="Replace the gate by one number and ask what would change.",
)

EXERCISES = (GATE, SMOOTH, PAIRS, FLAT)

EXPLORE = (
    "Replace CBAM's sigmoid over positions by a softmax times the number of positions: a subclass of"
    " `PositionGate`, put into `branch.attention.spatial` of a fresh model. Does the flatness change after"
    ' training? `fl.build_model("yao2026", schema, backbone=settings.backbone, start=settings.start, seed=seed)` builds'
    " it, and `train(model, data, training_config(settings, seed, MANIPULATION), folder, task=MANIPULATION)` trains it"
    " (`training.loop`, `runs.run_setup`, `tasks.manipulation.manipulation_task`, all in `fashion_lib`).",
    "Train a fresh model with the CBAM at the bottom removed (`model.trunk.low = None`). Which of the two places"
    " matters?",
    'Does attention with the plain loss catch up with more steps? `fl.load_or_train("yao2026",'
    ' profile=settings.with_options(steps=2160), seed=seed, data=data, options={"loss": "plain"})`, and the'
    ' same with `"attention": False`.',
)

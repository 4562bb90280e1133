"""Exercises of notebook 14: the residual of an operation, adding against replacing, several operations, and a check."""

import torch
from torch import Tensor

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number
from fashion_lib.parts.memory import AttributeMemory

RESIDUAL_START = '''
import torch


def moved_query(feature, memory, removed, added):
    """feature: (A D,), of the query; memory: (A D, V), one column per value; removed, added: value numbers.

    Returns the feature (A D,) to search with: f(q) + M v_m.
    """
    return None  # write your code here
'''

RESIDUAL_SOLUTION = '''
import torch


def moved_query(feature, memory, removed, added):
    """feature: (A D,), of the query; memory: (A D, V), one column per value; removed, added: value numbers.

    Returns the feature (A D,) to search with: f(q) + M v_m.
    """
    operation = torch.zeros(memory.shape[1])  # v_m
    operation[removed], operation[added] = -1.0, 1.0
    return feature + memory @ operation
'''

# Two attributes of two dimensions each, with two and three values.
MEMORY = torch.tensor(
    [[1.0, 4.0, 0, 0, 0], [0.5, 3.0, 0, 0, 0.2], [0, 0, 2.0, -1.0, 0.5], [0, 0, 1.0, 1.5, -2.0]]
)
FEATURE = torch.tensor([2.0, 1.0, -0.5, 1.0])


def _library_step(feature: Tensor, memory: Tensor, removed: int, added: int) -> Tensor:
    library = AttributeMemory(2, [slice(0, 2), slice(2, 5)])
    with torch.no_grad():
        library.weight.copy_(memory)
        operation = torch.nn.functional.one_hot(torch.tensor([removed, added]), memory.shape[1])
        return feature + library.residual((operation[1] - operation[0])[None])[0]


RESIDUAL = Exercise(
    id="14.1",
    title="Write it yourself: the memory's residual",
    question=(
        "Write $f'(q) = f(q) + M_F v_m$. The vector $v_m$ has −1 at the value to remove, +1 at the value to add,"
        " and 0 elsewhere."
    ),
    start=RESIDUAL_START,
    solution=RESIDUAL_SOLUTION,
    form=Function(
        {
            "another value of the first attribute": (FEATURE, MEMORY, 0, 1),
            "the way back": (FEATURE, MEMORY, 1, 0),
            "another value of the second attribute": (FEATURE, MEMORY, 2, 4),
        }
    ),
    oracle=_library_step,
    wrong=(
        Wrong(
            "def moved_query(feature, memory, removed, added):\n    return feature + memory[:, added]",
            "The old value is still in your feature: nothing was removed.",
        ),
        Wrong(
            "def moved_query(feature, memory, removed, added):\n"
            "    return feature + memory[:, removed] - memory[:, added]",
            "Your step has the wrong sign: which prototype should be added, and which subtracted?",
        ),
        Wrong(
            "def moved_query(feature, memory, removed, added):\n    return memory[:, added] - memory[:, removed]",
            "You return the residual alone. It is a step that starts at the query.",
        ),
    ),
    hints=(
        "`memory @ v` of a vector with one 1 is one column of the memory.",
        "Fill a vector of V zeros at two places, multiply, and add the query's feature.",
    ),
    because="It equals the library's `AttributeMemory.residual` plus the query, entries outside the blocks included.",
    otherwise="Check the sign at the removed value and at the added value.",
    points=3,
)

REPLACE = Exercise(
    id="14.2",
    title="Add a step, or replace?",
    question=(
        "In the subspace of the sleeve a query lies at (2, 1), the prototype of *long* at (1, 1), that of"
        " *short* at (4, 3). The operation is long → short. How far from the prototype of *short* is the query"
        " afterwards? Give two distances: after adding the residual, and after *replacing* the subspace by the"
        " prototype of *short*."
    ),
    start="answer_2 = None  # a list of two distances: [residual, replacing]",
    solution=("import math\n\nlanded = (2 + 4 - 1, 1 + 3 - 1)\nanswer_2 = [math.dist(landed, (4, 3)), 0.0]"),
    form=Number(0.01),
    wrong=(
        Wrong(
            "import math\n\nanswer_2 = [math.dist((2, 1), (4, 3)), 0]",
            "The first is the distance before the step.",
        ),
        Wrong(
            "answer_2 = [0, 0]",
            "The query does not land on the prototype: the residual keeps the difference between this query and its"
            " old prototype.",
        ),
        Wrong(
            "import math\n\nanswer_2 = [math.dist((1, 1), (4, 3)), 0]",
            "The first is the length of the step itself.",
        ),
    ),
    hints=(
        "Where does (2, 1) land after minus (1, 1) plus (4, 3)?",
        "Compare the distance to the old prototype before the step with the one that you are asked for.",
    ),
    because="The residual keeps the query's distance to its prototype; replacing makes it 0.",
    otherwise="Compute the landing point first.",
)

SEVERAL = Exercise(
    id="14.3",
    title="Which operations are refused?",
    question=(
        "A query is labelled *dots* and *long sleeves*; its shape is not known. Which operations does the"
        " library refuse? Answer with all true letters in one text.\n\n"
        "- **a** dots → stripes\n"
        "- **b** checks → stripes\n"
        "- **c** stripes → dots\n"
        "- **d** long → short, and dots → stripes, both at once"
    ),
    start='answer_3 = None  # letters in one text, such as "ad"',
    solution='answer_3 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_3 = "b"',
            "That one is refused. An operation has two conditions: one on the removed value, one on the added value.",
        ),
        Wrong('answer_3 = "bcd"', "Two operations on different attributes are one vector; residuals add up."),
        Wrong('answer_3 = "c"', "That one is refused. What about a value that the query never had?"),
    ),
    hints=(
        "The query must have the value that is removed, and must not have the value that is added.",
        "Check the two conditions for each letter. Several attributes at once are allowed.",
    ),
    because="Removing what was never there moves the feature to a place where no picture is, and nothing would"
    " show it.",
    otherwise="Compare each operation with the labels of the query.",
)

BLOCKS = Exercise(
    id="14.4",
    title="Unchanged by arithmetic",
    question=(
        "All entries of a memory outside its blocks are 0. After an operation on the sleeve, the subspace of the"
        " colour is exactly the same as before. What does this show about the *network*? Answer with one"
        " letter.\n\n"
        "- **a** Its feature is disentangled.\n"
        "- **b** Nothing: the memory's zeros alone decide it.\n"
        "- **c** The sleeve and the colour are independent in the data.\n"
        "- **d** A picture with other sleeves has the same numbers for the colour."
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "b"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "It would come out like this for random weights as well. What would a twin show?",
        ),
        Wrong('answer_4 = "c"', "No data enter this step: it is one product of a matrix and a vector."),
        Wrong('answer_4 = "d"', "To know that, one must *draw* the other sleeves and embed the new picture."),
    ),
    hints=(
        "Which numbers enter f(q) + M v in the rows of the colour?",
        "Would the statement be false for a network with random weights?",
    ),
    because="A twin, the scene drawn again, is the test: there the network has to keep the attributes apart.",
    otherwise="Ask whether the statement depends on the network's weights at all.",
)

EXERCISES = (RESIDUAL, REPLACE, SEVERAL, BLOCKS)

EXPLORE = (
    "Let the prototypes *stay* the class means, in a copy: `import copy; other = copy.deepcopy(model)`, then"
    ' `other.memory.initialise(class_means(other, data, seed, "fp32"))` and'
    ' `evaluate_manipulation(other, data, "test").top10`. The first function is in'
    " `fashion_lib.tasks.manipulation.manipulation_task`, the second in `manipulation_evaluation` beside it."
    " How much of the accuracy comes from the memory's training?",
    "Search with $f(q) + \\lambda M_F v_m$ for $\\lambda$ from 0 to 2. At which $\\lambda$ is the changed"
    " attribute right most often, and at which the others?",
    'Two operations at once are harder. By how much? `load_manipulation("wardrobe", settings, changes=2)` and'
    " `evaluate_manipulation` with the model from above.",
)

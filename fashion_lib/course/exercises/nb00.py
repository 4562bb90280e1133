"""Exercises of notebook 00: one answer or four, a blind choice, and one long vector."""

import numpy as np

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number

ONE_SPACE = Exercise(
    id="00.1",
    title="What one embedding cannot do",
    question=(
        "The triplet model has one embedding per picture, and ranks one gallery for four questions. Which"
        " sentences are true, whatever the training was? Answer with all true letters in one text.\n\n"
        "- **a** It gives the same ranking for all four questions.\n"
        "- **b** Its nearest neighbour is wrong for at least one question.\n"
        "- **c** Longer training could give it different nearest neighbours for different questions.\n"
        "- **d** Its nearest neighbour may be right for all four questions."
    ),
    start='answer_1 = None  # letters in one text, such as "bc"',
    solution='answer_1 = "ad"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_1 = "a"',
            "What you chose is true, but not all. Imagine a gallery that holds a copy of the query.",
        ),
        Wrong(
            'answer_1 = "ab"',
            "One sentence goes too far: imagine a gallery that holds a copy of the query. Is any question then"
            " answered wrongly?",
        ),
        Wrong(
            'answer_1 = "acd"',
            "Training changes where the pictures lie. It does not change that the question never enters this"
            " model.",
        ),
    ),
    hints=(
        "What does the triplet model receive as its input? Look for the question in it.",
        "A ranking depends on the similarities alone. Do these change when the question changes?",
    ),
    because="One space has one ranking. That ranking can be lucky for one query, but it cannot follow the question.",
    otherwise="Test each sentence with a gallery that holds a copy of the query.",
)

BLIND = Exercise(
    id="00.2",
    title="What would a blind choice reach?",
    question=(
        "Ten pictures have these sleeves: five long, three short, two sleeveless. Each of the ten is the query"
        " once; one of the *other* nine is then chosen at random. With which probability does it have the"
        " query's value? Give a number between 0 and 1, with three digits after the point."
    ),
    start="answer_2 = None  # a number between 0 and 1",
    solution="answer_2 = (5 * 4 + 3 * 2 + 2 * 1) / (10 * 9)",
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_2 = (25 + 9 + 4) / 100",
            "You let a picture find itself. The query is not in its own gallery, so both the hits and the"
            " choices are fewer.",
        ),
        Wrong(
            "answer_2 = 1 / 3",
            "You treat the three values as equally frequent. A frequent value is the query more often *and* is"
            " found more often.",
        ),
        Wrong(
            "answer_2 = 0.5",
            "That is the share of the most frequent value. The query is not always of that value.",
        ),
    ),
    hints=(
        "Take one value with n pictures. For each of them as the query, how many of the other nine are hits?",
        "Add the hits n (n − 1) over the three values. What is the number of all (query, other picture) pairs?",
    ),
    because="This is the last row of the table in appendix 00a: a model has learned something only above it.",
    otherwise="Count all ordered pairs of two different pictures, then those of one value.",
)

JOINED_START = '''
import numpy as np


def joined_similarity(query: np.ndarray, gallery: np.ndarray):
    """query: (4, D); gallery: (N, 4, D); every row of D numbers has length 1. Returns N similarities."""
    return None  # write your code here
'''

JOINED_SOLUTION = '''
import numpy as np


def joined_similarity(query: np.ndarray, gallery: np.ndarray):
    """query: (4, D); gallery: (N, 4, D); every row of D numbers has length 1. Returns N similarities."""
    long_query = query.reshape(-1)  # (4 D,)
    long_gallery = gallery.reshape(len(gallery), -1)  # (N, 4 D)
    lengths = np.linalg.norm(long_query) * np.linalg.norm(long_gallery, axis=1)
    return long_gallery @ long_query / lengths
'''


def _unit(*rows):
    """Rows of two numbers, each brought to length 1: float64 (len(rows), 2)."""
    array = np.array(rows, dtype=float)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


QUERY = _unit((1, 0), (0, 1), (1, 1), (3, 4))
GALLERY = (_unit((1, 0), (1, 0), (1, -1), (4, 3)), _unit((0, 1), (0, 1), (1, 1), (3, 4)), QUERY)


JOINED = Exercise(
    id="00.3",
    title="Four embeddings as one long vector",
    question=(
        "An attribute-aware model gives four embeddings of each picture. Join them into one long vector per"
        " picture, and return the cosine similarity of the query with each picture of the gallery. Then"
        " compare each number with the four single cosines of this picture: which simple function of the four is it?"
    ),
    start=JOINED_START,
    solution=JOINED_SOLUTION,
    form=Function(
        {"three pictures": (QUERY, np.stack(GALLERY)), "the query itself": (QUERY, np.stack(GALLERY[2:]))}
    ),
    wrong=(
        Wrong(
            "def joined_similarity(query, gallery):\n    return (gallery * query).sum((1, 2))",
            "Your dot product is not divided by the lengths. A vector that joins four parts of length 1 is"
            " longer than 1.",
        ),
        Wrong(
            "def joined_similarity(query, gallery):\n    return (gallery * query).sum(2).max(1)",
            "You take the best of the four cosines. The long vector mixes all four questions.",
        ),
        Wrong(
            "def joined_similarity(query, gallery):\n    return gallery[:, 0] @ query[0]",
            "You compare the first embedding only, so you answer the first question alone.",
        ),
    ),
    hints=(
        "`gallery.reshape(len(gallery), -1)` puts the four rows of each picture behind one another.",
        "A cosine is the dot product, divided by both lengths. What is the length of four unit vectors in a row?",
    ),
    because="It is the mean of the four cosines, so the long vector answers no single question but all four mixed.",
    otherwise="The similarity of the query with itself must be 1: check the lengths.",
    points=2,
)

EXERCISES = (ONE_SPACE, BLIND, JOINED)

EXPLORE = (
    "Set `seed` to 1; two more models are trained. Which rows of ASEN's board stay as they are?",
    "Choose four other attributes: change the names in `shared_query(...)`. How does the size of the gallery change?",
)

"""Exercises of notebook 01: how many triplets a batch holds, how fast they grow, and a leaky split."""

import pandas as pd

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number

COUNT_START = '''
def count_valid(values):
    """values: the value ids of one attribute's pictures in a batch, such as [0, 0, 1]. Returns a whole number."""
    return None  # write your code here
'''

COUNT_SOLUTION = '''
def count_valid(values):
    """values: the value ids of one attribute's pictures in a batch, such as [0, 0, 1]. Returns a whole number."""
    total = 0
    for value in set(values):
        same = values.count(value)
        total += same * (same - 1) * (len(values) - same)
    return total
'''

COUNT = Exercise(
    id="01.1",
    title="Count the triplets of a batch",
    question=(
        "A valid triplet is an anchor, a positive and a negative: three pictures. The positive is another"
        " picture with the anchor's value, the negative has another value. Anchor and positive may exchange"
        " their roles; that makes another triplet. Count them, without three loops if you can."
    ),
    start=COUNT_START,
    solution=COUNT_SOLUTION,
    form=Function(
        {
            "[0, 0, 1]": ([0, 0, 1],),
            "[0, 0, 1, 1, 2]": ([0, 0, 1, 1, 2],),
            "[3, 3, 3, 5]": ([3, 3, 3, 5],),
            "one value only": ([4, 4, 4],),
        }
    ),
    wrong=(
        Wrong(
            "def count_valid(values):\n    n = len(values)\n"
            "    return sum(values.count(v) * (n - values.count(v)) for v in values)",
            "You let a picture be its own positive. The positive is *another* picture of the anchor's value.",
        ),
        Wrong(
            "def count_valid(values):\n    n = len(values)\n"
            "    return sum((values.count(v) - 1) * (n - values.count(v)) for v in values) // 2",
            "You count each pair of anchor and positive once. With the roles exchanged it is another triplet.",
        ),
        Wrong(
            "def count_valid(values):\n    n = len(values)\n"
            "    return sum((values.count(v) - 1) * (n - 1) for v in values)",
            "You let a picture of the anchor's own value be a negative. A negative has another value.",
        ),
    ),
    hints=(
        "Take one picture as the anchor. How many positives has it, and how many negatives?",
        "The choices of positive and negative are free of each other, so multiply. Then add over all anchors.",
        "All anchors of one value have the same two numbers, so one product per value is enough.",
    ),
    because="The three loops of the notebook count the same, only slower.",
    otherwise="Write down all triplets of [0, 0, 1] on paper; there are few.",
    points=2,
)

GROWTH = Exercise(
    id="01.2",
    title="How fast does the number grow?",
    question=(
        "A batch holds n pictures of one attribute, with V values of n/V pictures each. You make the batch twice"
        " as large, with the same V. By which factor does the number of valid triplets grow, once n is large?"
        " Give a number."
    ),
    start="answer_2 = None  # a number",
    solution="answer_2 = 2**3",
    form=Number(0.05),
    wrong=(
        Wrong(
            "answer_2 = 2",
            "That is how a *list* of triplets grows, with three pictures each. Here every combination counts.",
        ),
        Wrong("answer_2 = 4", "So do *pairs* grow. A triplet chooses one picture more."),
        Wrong("answer_2 = 6", "You added a factor for each role. The three choices are multiplied."),
    ),
    hints=(
        "Each anchor has n/V − 1 positives and n − n/V negatives.",
        "Write n (n/V − 1)(n − n/V) and keep the highest power of n. What happens to it when n becomes 2n?",
    ),
    because="The number of triplets grows with the third power of the batch, the cost of the backbone only with"
    " the first.",
    otherwise="Compute the number for n = 10,000 and for n = 20,000 with V = 4, divide, and round.",
)

LEAK_START = '''
def leaked(people):
    """people: a DataFrame with the columns split, sender and category; one row per picture. Returns a whole number."""
    return None  # write your code here
'''

LEAK_SOLUTION = '''
def leaked(people):
    """people: a DataFrame with the columns split, sender and category; one row per picture. Returns a whole number."""
    train = set(zip(*(people.loc[people.split == "train", c] for c in ("sender", "category"))))
    test = people[people.split == "test"]
    return sum(pair in train for pair in zip(test.sender, test.category))
'''

PEOPLE = pd.DataFrame(
    [("train", 1, "shirt"), ("train", 1, "shirt"), ("train", 2, "shoes"), ("valid", 3, "dress"), ("test", 1, "shirt"),
     ("test", 1, "shoes"), ("test", 2, "shoes"), ("test", 2, "shoes"), ("test", 3, "dress"), ("test", 2, "hat")],
    columns=["split", "sender", "category"],
)  # fmt: skip

LEAK = Exercise(
    id="01.3",
    title="A leaky split, measured",
    question=(
        "Photographs were split at random over pictures. Count the *test pictures* that have a picture in train"
        " of the same sender and the same category. Such a picture may show the same garment on the same carpet."
    ),
    start=LEAK_START,
    solution=LEAK_SOLUTION,
    form=Function(
        {
            "ten photographs": (PEOPLE,),
            "the first five": (PEOPLE.iloc[:5],),
            "no test picture": (PEOPLE.iloc[:4],),
        }
    ),
    wrong=(
        Wrong(
            "def leaked(people):\n    train, test = (people[people.split == s] for s in ('train', 'test'))\n"
            "    return len(test.merge(train, on=['sender', 'category']))",
            "A merge gives one row per *pair* of a test and a train picture. A test picture with two partners"
            " must count once.",
        ),
        Wrong(
            "def leaked(people):\n    train, test = (people[people.split == s] for s in ('train', 'test'))\n"
            "    return int(test.sender.isin(train.sender).sum())",
            "You compare senders only. The category must be the same, too.",
        ),
        Wrong(
            "def leaked(people):\n    rest, test = people[people.split != 'test'], people[people.split == 'test']\n"
            "    pairs = set(zip(rest.sender, rest.category))\n"
            "    return sum(p in pairs for p in zip(test.sender, test.category))",
            "You count partners in valid as well. Training does not use these.",
        ),
    ),
    hints=(
        "Take the rows of train and the rows of test apart first.",
        "Collect the (sender, category) pairs of train in a set; a set holds each pair once.",
        "For each test row ask whether its pair is in the set, and add up the answers.",
    ),
    because="A split by sender makes this number 0 by construction.",
    otherwise="Only test rows are counted, each at most once, and only train rows are partners.",
    points=2,
)

INVISIBLE = Exercise(
    id="01.4",
    title='What does "invisible" mean?',
    question=(
        "A query is labelled `sleeve_length` = *invisible*: a bag covers both cuffs. Which candidates are right"
        " for it, by the papers' protocol and ours? Answer with one letter.\n\n"
        "- **a** None: the query is left out, since nobody can see the answer.\n"
        "- **b** Those whose sleeves are invisible as well.\n"
        "- **c** Those whose sleeves have the true length under the bag.\n"
        "- **d** All candidates, since no answer can be called wrong."
    ),
    start='answer_4 = None  # one letter, such as "a"',
    solution='answer_4 = "b"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_4 = "a"',
            "Leaving queries out would change the denominator. Only a measure of *where* a model looks leaves"
            " these pictures out.",
        ),
        Wrong(
            'answer_4 = "c"',
            "The annotators of a photograph cannot know that length, so no label table holds it.",
        ),
        Wrong(
            'answer_4 = "d"',
            "Then every ranking of this query would be perfect. Right and wrong come from the value in the label"
            " table.",
        ),
    ),
    hints=(
        "Read the vocabulary of `sleeve_length` in section 3: what is its first value?",
        "The table has a row for this picture. Compare with an attribute that has no row.",
    ),
    because="It is a value like any other in the table; an attribute without a row is another thing.",
    otherwise="Right is decided by the value in the table.",
)

EXERCISES = (COUNT, GROWTH, LEAK, INVISIBLE)

EXPLORE = (
    "Draw picture `shown` with every sleeve length side by side and outline the cuffs. Which ones have no"
    " outline, and why?"
    ' Start with `[large.twin(shown, "sleeve_length", v) for v in large.twin_values(shown, "sleeve_length")]`.',
)

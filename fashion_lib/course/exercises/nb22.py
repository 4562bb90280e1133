"""Exercises of notebook 22: which scores can come out, the size of an index, siblings on both sides, copies."""

import pandas as pd

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number

POSSIBLE = Exercise(
    id="22.1",
    title="Which scores are possible?",
    question=(
        "One query has three candidates, and exactly one of them is right. List all average precisions (in"
        " percent, one digit behind the point) that a model can reach, from the lowest to the highest."
    ),
    start="answer_1 = None  # a list of percentages",
    solution="answer_1 = [100 / rank for rank in (3, 2, 1)]",
    form=Number(0.05),
    wrong=(
        Wrong(
            "answer_1 = [0, 50, 100]",
            "The right candidate is in the list, so it has a rank, and the score is never 0.",
        ),
        Wrong(
            "answer_1 = [33.33, 66.67, 100]",
            "AP is the precision *at the rank* of the right candidate: one right one among as many as the rank.",
        ),
        Wrong(
            "answer_1 = [100, 50, 33.33]", "The numbers are right; give them from the lowest to the highest."
        ),
    ),
    hints=(
        "At which ranks can the right candidate stand?",
        "The precision at that rank is one over the rank.",
    ),
    because="No other number is possible, so two models have equal scores here, or scores that differ much.",
    otherwise="Write down the AP for each rank of the right candidate.",
)

INDEX = Exercise(
    id="22.2",
    title="How large is an index?",
    question=(
        "An index holds two bytes per number. You index 20,000 photographs under four attributes with embeddings"
        " of 128 numbers. How many megabytes (10⁶ bytes) are the vectors, and how many photographs pass the"
        " backbone?"
    ),
    start="answer_2 = None  # a list of two numbers: [megabytes, photographs]",
    solution="answer_2 = [20_000 * 4 * 128 * 2 / 1e6, 20_000]",
    form=Number(0.01),
    wrong=(
        Wrong("answer_2 = [5.12, 20000]", "Each photograph has one embedding per attribute."),
        Wrong(
            "answer_2 = [20.48, 80000]",
            "The backbone reads a photograph once, whatever the number of attributes.",
        ),
        Wrong("answer_2 = [10.24, 20000]", "You counted one byte per number."),
    ),
    hints=(
        "Numbers per photograph: attributes times the size of an embedding.",
        "The features of one pass serve all attributes.",
    ),
    because="Vectors are small beside photographs; the pass of the backbone is what costs time.",
    otherwise="Multiply photographs, attributes, numbers and bytes.",
)

SIBLINGS_START = '''
def with_sibling(table):
    """table: a DataFrame with the columns split and group. Returns the share of test rows with their group in train."""
    return None  # write your code here
'''

SIBLINGS_SOLUTION = '''
def with_sibling(table):
    """table: a DataFrame with the columns split and group. Returns the share of test rows with their group in train."""
    test = table[table.split == "test"]
    return test.group.isin(table.group[table.split == "train"]).mean()
'''

TABLE = pd.DataFrame(
    [("train", 1), ("train", 1), ("train", 2), ("valid", 3), ("test", 1), ("test", 2), ("test", 3), ("test", 4)],
    columns=["split", "group"],
)  # fmt: skip
SERIES = pd.DataFrame([("train", 1), ("test", 1), ("test", 1), ("test", 2)], columns=["split", "group"])

SIBLINGS = Exercise(
    id="22.3",
    title="Siblings on both sides",
    question=(
        "Which share of the test pictures has a picture of the same group (person, garment, series) in train?"
        " Write the function; there is at least one test picture."
    ),
    start=SIBLINGS_START,
    solution=SIBLINGS_SOLUTION,
    form=Function(
        {
            "eight pictures": (TABLE,),
            "split by group": (
                TABLE[TABLE.group.isin([1, 2, 4]) & ~((TABLE.split == "test") & (TABLE.group < 3))],
            ),
            "without validation": (TABLE[TABLE.split != "valid"],),
            "two test pictures of one group": (SERIES,),
        }
    ),
    wrong=(
        Wrong(
            "def with_sibling(table):\n"
            "    rest, test = table[table.split != 'test'], table[table.split == 'test']\n"
            "    return test.group.isin(rest.group).mean()",
            "You count groups of the validation split as well. The question is about train.",
        ),
        Wrong(
            "def with_sibling(table):\n"
            "    train, test = table[table.split == 'train'], table[table.split == 'test']\n"
            "    return train.group.isin(test.group).mean()",
            "You count train pictures with a sibling in test. Look from the test side.",
        ),
        Wrong(
            "def with_sibling(table):\n"
            "    train, test = table[table.split == 'train'], table[table.split == 'test']\n"
            "    groups = test.group.drop_duplicates()\n"
            "    return groups.isin(train.group).mean()",
            "You count groups. A group with two test pictures counts twice.",
        ),
        Wrong(
            "def with_sibling(table):\n"
            "    train, test = table[table.split == 'train'], table[table.split == 'test']\n"
            "    return test.group.isin(train.group).sum() / len(table)",
            "You divide by all pictures. The share is one of the test pictures.",
        ),
    ),
    hints=(
        "Take the rows of test, and the groups that occur in train.",
        "`Series.isin` gives True and False; the mean of these is a share.",
    ),
    because="A split by group makes it 0. With any other split, say this share beside the score.",
    otherwise="Only test rows are counted, and only groups of train matter.",
    points=2,
)

COPIES = Exercise(
    id="22.4",
    title="A score that is too good",
    question=(
        "On your own 300 photographs a model finds the right first answer for 97 % of the queries, for *every*"
        " attribute. The best published methods reach less on easier data. What do you check first? Answer with"
        " one letter.\n\n"
        "- **a** whether copies or pictures of the same person are among queries and candidates\n"
        "- **b** whether the learning rate was too high\n"
        "- **c** whether more steps would raise it further\n"
        "- **d** whether the heat maps look sharp"
    ),
    start='answer_4 = None  # one letter, such as "c"',
    solution='answer_4 = "a"',
    form=Choice("abcd"),
    wrong=(
        Wrong('answer_4 = "b"', "A wrong learning rate makes a score worse, not suspiciously good."),
        Wrong('answer_4 = "c"', "First find out what the number means, before you raise it."),
        Wrong(
            'answer_4 = "d"',
            "A sharp map may point at the floor of the same room. It does not explain the score.",
        ),
    ),
    hints=(
        "What is the same for *every* attribute?",
        "Think of section 4: what could be found from the corners of the pictures?",
    ),
    because="A copy, or the same room, answers every question at once. `python -m fashion_lib check-data` looks"
    " for copies.",
    otherwise="Look for a cause that helps every attribute alike.",
)

EXERCISES = (POSSIBLE, INDEX, SIBLINGS, COPIES)

EXPLORE = (
    "Put 60 photographs into a folder `mine`, run `python -m fashion_lib new-data mine`, fill in the table, and"
    " set `folder` to its path. Which findings does section 3 show?",
    'Index the sample with a run that learned from many pictures: `asen = fl.load_or_train("asen",'
    ' fl.load_dataset("wardrobe"))`, then `fl.index(asen, folder, folder=temporary / "drawn")` and'
    " `fl.search` under `sleeve_length`.",
    "Blacken the corners of each picture in `data.pixels` before you count nearest neighbours of your own group."
    " Does the share fall? `embed_pixels(index.run, pixels)` gives the vectors of changed pixels.",
)

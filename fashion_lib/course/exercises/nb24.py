"""Exercises of notebook 24: one per failure, from the price of a collapse to the luck of the best seed."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number

COLLAPSE = Exercise(
    id="24.1",
    title="Is it a collapse?",
    question=(
        "Four trainings with margin 0.2 are logged after equal steps. A triplet is active if its hinge is above zero."
        " Which of them have collapsed? Answer with all true letters in one text.\n\n"
        "- **a** loss 0.200, mean similarity 0.998, active triplets 100 %\n"
        "- **b** loss 0.020, mean similarity 0.310, active triplets 15 %\n"
        "- **c** loss 0.201, mean similarity 0.995, active triplets 100 %\n"
        "- **d** loss 0.200 over the active triplets, mean similarity 0.250, active triplets 4 %"
    ),
    start='answer_1 = None  # letters in one text, such as "bd"',
    solution='answer_1 = "ac"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_1 = "acd"',
            "One of these has a loss at the margin, but its embeddings differ: its mean is taken over the few"
            " triplets that are still active.",
        ),
        Wrong('answer_1 = "a"', "That one has. Does a loss slightly above the margin exclude a collapse?"),
        Wrong(
            'answer_1 = "abcd"',
            "A collapse needs both: a loss at the margin, and embeddings that are all alike.",
        ),
    ),
    hints=(
        "Which number says directly that all embeddings are alike?",
        "Look at the mean similarity first, and at the loss second.",
    ),
    because="The loss alone cannot say it; the mean similarity can.",
    otherwise="Judge each letter by its mean similarity.",
)

SPLIT_START = '''
def leaks(scene, split):
    """scene, split: two lists of equal length, one entry per picture; split holds "train" or "test".

    Returns the share of test pictures whose scene is also in train.
    """
    return None  # write your code here
'''

SPLIT_SOLUTION = '''
def leaks(scene, split):
    """scene, split: two lists of equal length, one entry per picture; split holds "train" or "test".

    Returns the share of test pictures whose scene is also in train.
    """
    known = {one for one, part in zip(scene, split) if part == "train"}
    tested = [one for one, part in zip(scene, split) if part == "test"]
    return sum(one in known for one in tested) / len(tested)
'''

SPLIT = Exercise(
    id="24.2",
    title="Write it yourself: the share that leaks",
    question=(
        "Write a function that measures a leak: which share of the test pictures has a picture of its scene in train?"
    ),
    start=SPLIT_START,
    solution=SPLIT_SOLUTION,
    form=Function(
        {
            "a split by scene": ([1, 1, 2, 2, 3], ["train", "train", "test", "test", "train"]),
            "a split by picture": ([1, 1, 2, 2, 3], ["train", "test", "train", "test", "test"]),
            "a test scene with several pictures": (
                [1, 1, 1, 2, 3, 3],
                ["train", "test", "test", "test", "train", "train"],
            ),
        }
    ),
    wrong=(
        Wrong(
            SPLIT_SOLUTION.replace("/ len(tested)", "/ len(scene)"),
            "You divide by the number of all pictures. The share is one of the test pictures.",
        ),
        Wrong(
            SPLIT_SOLUTION.replace(
                '[one for one, part in zip(scene, split) if part == "test"]',
                'list({one for one, part in zip(scene, split) if part == "test"})',
            ),
            "You count scenes. Count pictures: a scene with two test pictures counts twice.",
        ),
        Wrong(
            SPLIT_SOLUTION.replace("one in known for", "one not in known for"),
            "You return the share of the test pictures that do *not* leak.",
        ),
    ),
    hints=(
        "First collect the scenes of the training pictures in a set.",
        "Then go through the test pictures, and count those whose scene is in the set.",
    ),
    because="An honest split gives exactly zero, and that is one line to assert.",
    otherwise="Compare with the cases by hand: write the scenes of train, then mark each test picture.",
    points=2,
)

CROPS = Exercise(
    id="24.3",
    title="How often is the hem in the crop?",
    question=(
        "A picture has 64 rows of pixels, and the hem lies in row 63, the last one (rows count from 0). A crop takes 48"
        " rows; all possible positions are equally likely. With which probability is the hem still in the picture?"
        " And a belt in row 30?"
    ),
    start="answer_3 = None  # a list of two probabilities: [hem, belt]",
    solution=(
        "tops = range(64 - 48 + 1)\n"
        "answer_3 = [sum(top <= row < top + 48 for top in tops) / len(tops) for row in (63, 30)]"
    ),
    form=Number(0.002),
    wrong=(
        Wrong(
            "answer_3 = [0.75, 0.75]",
            "The crop keeps three quarters of the rows, but not each row equally often: rows near the edge are cut"
            " off more often.",
        ),
        Wrong(
            "answer_3 = [1 / 16, 1]", "Count the positions again: the first row of a crop can be row 0, too."
        ),
        Wrong(
            "answer_3 = [1 / 64, 1]",
            "There are fewer positions than rows: the crop has to fit into the picture.",
        ),
    ),
    hints=(
        "At which rows can the crop begin, so that its 48 rows fit into 64?",
        "List the beginnings with `range`, and count those whose crop holds the row.",
    ),
    because="What lies at the edge is cut off nearly always. Then the label of a length is false.",
    otherwise="List all beginnings of a crop, and count for each row.",
)

FLIPS = Exercise(
    id="24.4",
    title="Which test finds a mirror?",
    question=(
        "A loader mirrors all test pictures by mistake. The model was trained with mirrored pictures, half of them at"
        " random. Which tests will find the fault? Answer with all true letters in one text.\n\n"
        "- **a** Compare the MAP with that of last week.\n"
        "- **b** Draw one heat map over the picture in the file, with the true region outlined.\n"
        "- **c** Load one known picture and compare its pixels with the file's.\n"
        "- **d** Evaluate twice and compare the two scores."
    ),
    start='answer_4 = None  # letters in one text, such as "ad"',
    solution='answer_4 = "bc"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_4 = "abc"',
            "One of these hardly changes, because the training has shown both sides to the model.",
        ),
        Wrong(
            'answer_4 = "bcd"',
            "One of these looks for random numbers. A mirror that is always on is not random.",
        ),
        Wrong('answer_4 = "b"', "That one finds it. One more looks at places, too."),
    ),
    hints=(
        "Which of these depend on *where* something is, and not only on what it is?",
        "A fault that is always there gives equal scores in two evaluations. But positions in the picture are"
        " wrong.",
    ),
    because="Only a test that looks at positions can see a mirror.",
    otherwise="For each letter ask: would its outcome change if every picture were mirrored?",
)

RESTART = Exercise(
    id="24.5",
    title="How many batches are different?",
    question=(
        "A run has 1,000 steps. Its process is killed after every 150 steps and started again, with one generator that"
        " starts from the seed. How many different batches does the training see, and how often does it see the first"
        " one?"
    ),
    start="answer_5 = None  # a list of two numbers: [different batches, times of the first one]",
    solution=("drawn = [step % 150 for step in range(1000)]\nanswer_5 = [len(set(drawn)), drawn.count(0)]"),
    form=Number(0.01),
    wrong=(
        Wrong("answer_5 = [1000, 1]", "That is the answer if each batch depends on the number of its step."),
        Wrong("answer_5 = [150, 6]", "The last process is shorter than the others, but it begins like them."),
        Wrong(
            "answer_5 = [100, 7]",
            "The last process draws fewer batches, but they are among those of the first process.",
        ),
    ),
    hints=(
        "Give each batch the number of draws since the start of its process.",
        "Write this number for all steps in a list, and count.",
    ),
    because="Most of the training data were never drawn, and no curve of the loss says so.",
    otherwise="Write the place of each batch in its process: 0, 1, 2, and again 0 after a restart.",
)

TUNING = Exercise(
    id="24.6",
    title="What do five trials bring?",
    question=(
        "Two methods are equal: every trial of either gives 70 points plus an error of −1, 0 or +1, each with"
        " probability one third, independently. You report the best of five trials of yours and one trial of the"
        " baseline. By how many points are you ahead on average?"
    ),
    start="answer_6 = None  # points",
    solution=(
        "from itertools import product\n\ntrials = list(product([-1, 0, 1], repeat=5))\n"
        "answer_6 = sum(max(errors) for errors in trials) / len(trials)"
    ),
    form=Number(0.005),
    wrong=(
        Wrong("answer_6 = 0", "That is the gap of one trial each."),
        Wrong("answer_6 = 1", "That is the answer if at least one of five trials always has the error +1."),
        Wrong("answer_6 = 4 / 9", "That is the gap for the better of two trials."),
    ),
    hints=(
        "The best of five is −1 only if all five are. It is at most 0 if none is +1.",
        "List all outcomes with `itertools.product([-1, 0, 1], repeat=5)` and average their maximum.",
    ),
    because="Equal methods, and a gap that a paper would print.",
    otherwise="The mean of the baseline's error is 0, so the gap is the mean of the best error.",
)

LUCK_START = '''
def gain_elsewhere(chosen_on, reported_on):
    """chosen_on, reported_on: lists of scores, one per seed, on two different halves of the test.

    Choose the seed with the highest score in chosen_on. Returns its score in reported_on minus the mean of these.
    """
    return None  # write your code here
'''

LUCK_SOLUTION = '''
def gain_elsewhere(chosen_on, reported_on):
    """chosen_on, reported_on: lists of scores, one per seed, on two different halves of the test.

    Choose the seed with the highest score in chosen_on. Returns its score in reported_on minus the mean of these.
    """
    best = max(range(len(chosen_on)), key=lambda seed: chosen_on[seed])
    return reported_on[best] - sum(reported_on) / len(reported_on)
'''

LUCK = Exercise(
    id="24.7",
    title="Write it yourself: what is left of luck",
    question=(
        "Write the test of section 7. Choose the best seed on one half. Return how far it lies above the mean of all"
        " seeds on the *other* half."
    ),
    start=LUCK_START,
    solution=LUCK_SOLUTION,
    form=Function(
        {
            "luck that is gone": ([70.0, 72.0, 71.0], [71.0, 70.0, 72.0]),
            "a seed that is better": ([70.0, 72.0, 71.0], [70.0, 73.0, 70.0]),
            "two seeds": ([1.0, 0.0], [4.0, 5.0]),
        }
    ),
    wrong=(
        Wrong(
            LUCK_SOLUTION.replace(
                "reported_on[best] - sum(reported_on) / len(reported_on)",
                "chosen_on[best] - sum(chosen_on) / len(chosen_on)",
            ),
            "You report on the half that has chosen. There the best seed is always ahead.",
        ),
        Wrong(
            LUCK_SOLUTION.replace("key=lambda seed: chosen_on[seed]", "key=lambda seed: reported_on[seed]"),
            "You choose on the half that reports.",
        ),
        Wrong(
            LUCK_SOLUTION.replace(
                "reported_on[best] - sum(reported_on)", "reported_on[best] - sum(chosen_on)"
            ),
            "You subtract the mean of the first half, which has other pictures.",
        ),
    ),
    hints=(
        "Find the index of the largest score on the first half.",
        "Use this index on the second half only, and subtract the second half's mean.",
    ),
    because="It can be negative: a lucky seed may have a low score on other pictures.",
    otherwise="Which half chooses, and which half reports?",
    points=2,
)

EXERCISES = (COLLAPSE, SPLIT, CROPS, FLIPS, RESTART, TUNING, LUCK)

EXPLORE = (
    'Let the collapsed network of section 1 train on for 300 steps with `mining="mean"`. Does it recover?',
    "Section 2 shifts its shots by a few pixels. From which shift on does the leak no longer raise the score?",
    "Break something of your own: train with labels that are one row off, or rank by the smallest similarity. Which"
    " number shows it?",
)

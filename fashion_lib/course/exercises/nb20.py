"""Exercises of notebook 20: tokens and their cost, the highest of ten noisy bars, and where a weight is chosen."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Number

TOKENS = Exercise(
    id="20.1",
    title="Cheaper patches",
    question=(
        "ViT-B/16 cuts 224 pixels into patches of 16. You take patches of 32 instead. Give three"
        " numbers. How many patch tokens were there? How many are there now? By which factor do the products of tokens"
        " *with tokens* become cheaper? Leave the class token out."
    ),
    start="answer_1 = None  # a list of three numbers",
    solution="before, after = (224 // 16) ** 2, (224 // 32) ** 2\nanswer_1 = [before, after, (before / after) ** 2]",
    form=Number(0.01),
    wrong=(
        Wrong(
            "answer_1 = [14, 7, 4]",
            "You counted the patches along one side. A picture has rows and columns of patches.",
        ),
        Wrong(
            "answer_1 = [196, 49, 4]",
            "Linear layers become cheaper by that factor. Attention compares each token with each token.",
        ),
        Wrong(
            "answer_1 = [196, 98, 4]",
            "With patches of twice the side, fewer than half as many fit: a patch is twice as high *and* twice as"
            " wide.",
        ),
    ),
    hints=(
        "How many patches fit along one side, before and after?",
        "The products of tokens with tokens grow with the square of the number of tokens.",
    ),
    because="The linear layers become cheaper by 4, and they are most of the cost: appendix 20a adds both up by hand.",
    otherwise="Count the tokens first; the factor is a square.",
)

PEAK = Exercise(
    id="20.2",
    title="The highest of ten bars",
    question=(
        "Ten settings of $Iter$ are *equally good*. Each bar is the mean of three seeds. A single run varies"
        " with a standard deviation of 1.5 points. By how many points does the highest bar exceed the true mean"
        " of the settings, on average? A simulation is exact enough."
    ),
    start="answer_2 = None  # points",
    solution=(
        "import numpy as np\n\nrng = np.random.default_rng(0)\n"
        "bars = 1.5 * rng.standard_normal((50_000, 10, 3)).mean(axis=2)\nanswer_2 = bars.max(axis=1).mean()"
    ),
    form=Number(0.05),
    wrong=(
        Wrong("answer_2 = 2.31", "You took bars of one run each. A mean of three seeds varies less."),
        Wrong(
            "answer_2 = 0.87",
            "That is the standard deviation of one bar. The highest of ten lies further above the mean.",
        ),
        Wrong(
            "answer_2 = 0",
            "Each bar is right on average. The highest one is not: it was chosen because it is high.",
        ),
    ),
    hints=(
        "Draw an array of (experiments, ten settings, three seeds) and take the mean over seeds.",
        "Then take the maximum over the ten settings, and the mean over experiments.",
    ),
    because="So a peak of that size is expected by chance among ten equal settings. It shows nothing.",
    otherwise="Simulate: seeds into bars, the highest bar of each experiment, the average.",
)

BETA = Exercise(
    id="20.3",
    title="Where is β chosen?",
    question=(
        "You try 21 values of $\\beta$ for each of eight attributes, on stored features, without any training."
        " Which procedure gives a test MAP that may stand in a table? Answer with one letter.\n\n"
        "- **a** For each attribute, take the β with the best MAP on validation, and read the test MAP once.\n"
        "- **b** For each attribute, take the β with the best MAP on test, since nothing was trained.\n"
        "- **c** Take the best on test, but average over three seeds.\n"
        "- **d** Print the best of validation and test, whichever is higher."
    ),
    start='answer_3 = None  # one letter, such as "c"',
    solution='answer_3 = "a"',
    form=Choice("abcd"),
    wrong=(
        Wrong(
            'answer_3 = "b"',
            "A choice is a kind of training: eight parameters were fitted on the pictures that then give the score.",
        ),
        Wrong(
            'answer_3 = "c"',
            "Each seed's choice is too high in the same direction, so the mean is too high as well.",
        ),
        Wrong('answer_3 = "d"', "Then the higher of two numbers is printed, whatever it is the MAP of."),
    ),
    hints=(
        "How many numbers are chosen in all, and which split decides?",
        "The split that chooses must not be the one that reports.",
    ),
    because="Stored features make the sweep cheap. It is still a choice, so it belongs to validation data.",
    otherwise="Ask which split decides and which one reports.",
)

PASSES = Exercise(
    id="20.4",
    title="What does the second look cost?",
    question=(
        "A gallery of 5,000 pictures is indexed under eight attributes by IPAD. How many pictures pass the"
        " backbone of the region branch, and how many crops pass the patch branch? Give two numbers."
    ),
    start="answer_4 = None  # a list of two numbers",
    solution="answer_4 = [5000, 5000 * 8]",
    form=Number(0.5),
    wrong=(
        Wrong(
            "answer_4 = [40000, 40000]",
            "The first branch reads the whole picture, which does not depend on the attribute.",
        ),
        Wrong(
            "answer_4 = [5000, 5000]", "Each attribute has another attention map, so it cuts another crop."
        ),
        Wrong("answer_4 = [5000, 1]", "A crop is cut from each picture."),
    ),
    hints=(
        "Which of the two inputs depends on the attribute?",
        "The notebook says 1 + n passes for n attributes.",
    ),
    because="The second look costs one pass per attribute, for the gallery as well as for a query.",
    otherwise="Count for one picture and eight attributes first.",
)

EXERCISES = (TOKENS, PEAK, BETA, PASSES)

EXPLORE = (
    "The lines under the picture of costs compare one seed. Give ASEN as many image passes as IPAD had, for two more"
    ' seeds: `fl.load_or_train("asen", profile=settings.with_options(steps=...), seed=...)`. Which one has the higher'
    " MAP then?",
    "Which of the printed gaps between neighbours in table 1 is smaller than the spread over seeds *here*? What"
    " would you need to know to call one of them significant there?",
)

"""Exercises of notebook 23: memory of a larger picture, loss scaling by hand, a starved device, a careless rank."""

from fashion_lib.course.exercises.exercise import Exercise, Wrong
from fashion_lib.course.exercises.forms import Choice, Function, Number

LARGER = Exercise(
    id="23.1",
    title="A larger picture",
    question=(
        "A network of convolutions reads pictures of 448 instead of 224 pixels, in batches of the same size. By which"
        " factors do the bytes of the activations and of the weights grow?"
    ),
    start="answer_1 = None  # a list of two factors: [activations, weights]",
    solution="answer_1 = [(448 / 224) ** 2, 1]",
    form=Number(0.01),
    wrong=(
        Wrong("answer_1 = [2, 1]", "A map has two sides, and both become longer."),
        Wrong("answer_1 = [4, 4]", "A kernel of 3 × 3 has as many weights, however large the picture is."),
        Wrong(
            "answer_1 = [2, 2]", "Count positions for the maps, and the entries of a kernel for the weights."
        ),
    ),
    hints=(
        "How many positions has a map, if both of its sides double?",
        "Which sizes decide the number of weights of a convolution?",
    ),
    because="So the largest batch that fits into a GPU falls as the picture's area grows.",
    otherwise="Count the positions of one map before and after.",
)

SCALE_START = '''
def steps_left_out(gradient, scale=2.0**16, largest=65504.0):
    """gradient: a positive number, the same in each step; scale: the first scale of the loss.

    A step is left out, and the scale is halved, while gradient * scale is above `largest`, the largest float16.
    Returns how many steps are left out before one is taken.
    """
    return None  # write your code here
'''

SCALE_SOLUTION = '''
def steps_left_out(gradient, scale=2.0**16, largest=65504.0):
    """gradient: a positive number, the same in each step; scale: the first scale of the loss.

    A step is left out, and the scale is halved, while gradient * scale is above `largest`, the largest float16.
    Returns how many steps are left out before one is taken.
    """
    count = 0
    while gradient * scale > largest:
        scale, count = scale / 2, count + 1
    return count
'''

SCALE = Exercise(
    id="23.2",
    title="Write it yourself: loss scaling looks for its scale",
    question="Write the loop of loss scaling for a constant gradient: how many steps are left out before one is taken?",
    start=SCALE_START,
    solution=SCALE_SOLUTION,
    form=Function(
        {
            "gradient 3": (3.0,),
            "gradient 300": (300.0,),
            "a small gradient": (2e-8,),
            "gradient 1, which just overflows": (1.0,),
            "a lower first scale": (300.0, 256.0),
        }
    ),
    wrong=(
        Wrong(
            SCALE_SOLUTION.replace("while", "if"),
            "You halve the scale once at most. The next step may overflow again.",
        ),
        Wrong(
            SCALE_SOLUTION.replace("scale / 2, count + 1", "scale / 10, count + 1"),
            "The scale is halved, not divided by ten.",
        ),
        Wrong(
            SCALE_SOLUTION.replace("count = 0", "count = 1"),
            "You count the step that is taken as well.",
        ),
    ),
    hints=(
        "Which product has to fit into float16?",
        "Repeat: while the product is too large, halve the scale and count one step.",
    ),
    because="A few steps are lost at the beginning, and none later, unless gradients grow.",
    otherwise="Follow the loop by hand for the gradient 3: which scales are tried?",
    points=2,
)

FEED = Exercise(
    id="23.3",
    title="The slow feed",
    question=(
        "Making a batch takes 80 ms of one thread, and a step takes 50 ms of the device. Batches are made ahead by $t$"
        " threads that do not disturb each other, and one batch is needed per step. Which share of the time does the"
        " device wait, for $t$ = 1 and for $t$ = 2, after the start?"
    ),
    start="answer_3 = None  # a list of two shares from 0 to 1: [one thread, two threads]",
    solution="answer_3 = [max(0, 80 / t - 50) / max(80 / t, 50) for t in (1, 2)]",
    form=Number(0.005),
    wrong=(
        Wrong(
            "answer_3 = [80 / 130, 40 / 90]",
            "That is the share if no batch is made ahead: then the device waits for the whole making of each batch.",
        ),
        Wrong(
            "answer_3 = [30 / 80, -10 / 40]",
            "A waiting time is never negative: here the threads wait for the device.",
        ),
        Wrong("answer_3 = [30 / 50, 0]", "Divide the waiting by the time from one step to the next."),
    ),
    hints=(
        "How much time lies between two batches that are ready, with one thread and with two?",
        "The slower of the two, feed or device, decides the time per step.",
    ),
    because="The smallest sufficient number of threads is the one at which the feed is no longer the slower part.",
    otherwise="Write the time per step as the larger of two times, and subtract the device's own.",
)

RANKS = Exercise(
    id="23.4",
    title="A careless rank",
    question=(
        "Two ranks train together. By mistake each draws its own batch, from a seed of its own, instead of a half of"
        " the common one. Which sentences are then true? Answer with all true letters in one text.\n\n"
        "- **a** A rank compares embeddings that it receives from the other rank under wrong labels.\n"
        "- **b** The program stops with an error.\n"
        "- **c** The loss of a step is no longer that of one process with the same seed.\n"
        "- **d** The weights of the two ranks drift apart, although gradients are averaged over both."
    ),
    start='answer_4 = None  # letters in one text, such as "bd"',
    solution='answer_4 = "ac"',
    form=Choice("abcd", several=True),
    wrong=(
        Wrong(
            'answer_4 = "abc"',
            "All tensors keep their shapes, so nothing stops. That makes the fault dangerous.",
        ),
        Wrong(
            'answer_4 = "acd"',
            "Both ranks apply the same mean gradient to the same weights. What follows?",
        ),
        Wrong(
            'answer_4 = "c"', "That one is true. Ask also which labels a rank uses for the rows of the other."
        ),
    ),
    hints=(
        "Each rank computes its own rows and knows the labels of the batch that *it* has drawn.",
        "Which shapes change? And which numbers does each optimiser receive?",
    ),
    because="A batch that is a function of (seed, step) is what makes the ranks agree without a message.",
    otherwise="Follow one step: what each rank draws, what they exchange, and what each optimiser receives.",
)

EXERCISES = (LARGER, SCALE, FEED, RANKS)

EXPLORE = (
    'What does `kept_for_backward` find for the forward pass under `autocast("bf16", device)`? Why more than half?'
    " Autocast makes copies of the weights in bfloat16, and batch normalisation keeps its statistics in float32.",
    "Set `STEP_SECONDS` in section 4 of appendix 23a to 0.02, and compare the share that is waited for with exercise"
    " 23.3.",
    "In the script of section 5, let every rank draw its own batch: `training_config(settings, rank())`, with `rank`"
    " from `fashion_lib.parts.collectives`. Compare the loss with exercise 23.4.",
    "Leave `learning_rate=1e-4` out of the script of section 5, so that the course's rate of 2e-3 is used. How far"
    " apart are the losses after six steps? Adam divides each gradient by its own size, so rounding alone"
    " can decide a step.",
)

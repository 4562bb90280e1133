"""Differences that concern every system: triplets, crops, pictures, evaluation."""

from fashion_lib.papers.differences.difference import Difference

OPEN = "not said"
ROWS = (
    Difference("all", "triplets (anchor, positive, negative)", "lists of drawn triplets",
               "every valid triplet of a batch", "training", settings={"sampling": "triplet_list"}),
    Difference("all", "a negative has another value", "ASEN, AG-MAN, CSN: any image of another value",
               "the same in a triplet list", "nothing"),
    Difference("all", "a negative has another value", "ASEN++, RPF, IPAD: another value first, then an image of it",
               "any image", "training", settings={"negative": "value", "sampling": "triplet_list"}),
    Difference("all", OPEN, "several labels: a negative may also carry the anchor's value", "the same", "nothing"),
    Difference("all", OPEN, "a value with one image: endless search (ASEN) or an error (RPF)",
               "such a value is never an anchor's", "training"),
    Difference("all", OPEN, "anchors, positives, negatives pass one role at a time, so batch norm sees B images",
               "all images of a batch in one pass", "training"),
    Difference("all", "100,000 triplets", "redrawn every epoch (ASEN, AG-MAN) or while it runs (ASEN++, RPF, IPAD)",
               "drawn batch by batch", "nothing"),
    Difference("all", "pictures are mirrored at random, or not said",
               "in training (ASEN, AG-MAN); never (ASEN++); stage 1, even in evaluation (RPF, IPAD)",
               "in training only", "training"),
    Difference("all", "ResNet-50, \"pre-trained on ImageNet\"", "torchvision's first weights, without stage 4",
               "the same with profile `paper`", "nothing"),
    Difference("all", "MAP without a word on queries that have no relevant candidate", "they score 0",
               "0; the protocol card counts them", "nothing"),
    Difference("all", "MAP over all attributes: which mean is not said", "mean over all queries",
               "the same; `macro` is the plain mean", "nothing"),
    Difference("all", OPEN, "equal similarities fall as an unstable sort leaves them",
               "by row of the candidates' table", "evaluation"),
)  # fmt: skip

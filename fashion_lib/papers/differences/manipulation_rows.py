"""Differences of attribute manipulation: ADDE-M, AMNet, CBAM, and Yao, Zhu and Wan (2026).

Of Yao et al. and AMNet no code is public. The column of the code then says what another place of the paper, or the
work that it builds on, says instead.
"""

from fashion_lib.papers.differences.difference import Difference, pair

OPEN = "text not at hand"
NO_CODE = "none public"
DEFAULT = pair("adde_m", "default")
_CODE = {"choose": {"variant": "code"}}
ADDE = (
    Difference("adde_m", "all rows together", "all rows together", "the course's baseline `default`", **_CODE,
               ours=DEFAULT, other=pair("adde_m", "code")),
    Difference("adde_m", OPEN, "AlexNet through fc7 without its last ReLU", "AlexNet's convolutions", **_CODE),
    Difference("adde_m", OPEN, "subspace: 340 → ReLU → 340", "hidden layer half as wide as the trunk", **_CODE),
    Difference("adde_m", OPEN, "ranks unit(f′) against unit(f)", "features as they are, as Yao et al.", "evaluation",
               **_CODE),
    Difference("adde_m", OPEN, "classification summed over attributes", "mean over attributes", "training", **_CODE),
    Difference("adde_m", OPEN, "label triplet on all labels at once (\"hash\"), squared distance",
               "in each subspace", "training", **_CODE),
    Difference("adde_m", OPEN, "f′ stands in the label triplet for the target", "the target's own feature",
               "training", **_CODE),
    Difference("adde_m", OPEN, "manipulation triplet on unit vectors, distance not squared",
               "on features as they are", "training", **_CODE),
    Difference("adde_m", OPEN, "consistency of (M·y, feature) for f′, query and negative",
               "prototypes, f′ and target, as Yao et al.", "training", **_CODE),
    Difference("adde_m", OPEN, "stage 1 has triplets per attribute (0.2) and on all labels (1)", "none", "training",
               **_CODE),
    Difference("adde_m", OPEN, "a missing label counts as a label of its own", "it is left out", "training", **_CODE),
    Difference("adde_m", OPEN, "memory starts from 100 images per value, drawn with replacement", "the same",
               "nothing"),
    Difference("adde_m", OPEN, "its fine-tuning command has no consistency term", "with it", "training"),
    Difference("adde_m", OPEN, "test split selects: stage 1 by accuracy, stage 2 by Top-30",
               "stage 1: its last state; stage 2: Top-10 on validation", "training"),
    Difference("adde_m", OPEN, "gallery: all test images, the query image too",
               "four fifths of the test pictures; the rest are queries", "evaluation"),
    Difference("adde_m", OPEN, "a hit has exactly the target's labels",
               "it has all of them; what the target lacks is free", "evaluation"),
    Difference("adde_m", OPEN, "stage 1: batches of single pictures", "the pictures of tuples", "training"),
    Difference("adde_m", OPEN, "tuples and queries stand in files; 90 % of the tuples train",
               "drawn from the labels", "training"),
    Difference("adde_m", OPEN, "f′ is classified by the target's labels", "by the query's after the operation",
               "training", **_CODE),
    Difference("adde_m", OPEN, "margin 0.5 in label triplets", "the profile's", "training", **_CODE),
    Difference("adde_m", OPEN, "NDCG: gain 2^rel − 1, ideal all ones", "`ndcg30`: rel, the gallery's best order",
               "evaluation"),
    Difference("adde_m", OPEN, "Adam 1e-4, ×0.5 every 10 of 25 epochs, batch 128, then 64",
               "with profile `paper` as the code", "training"),
    Difference("adde_m", OPEN, "training: 256 × 256 without aspect, then the middle 224; else 224 × 224",
               "the whole picture, padded to a square", "evaluation"),
)  # fmt: skip
YAO = pair("yao2026", "default")


def _option(**options: object) -> dict:
    return {"choose": options, "ours": YAO, "other": pair("yao2026", "default", **options)}


YAO_ROWS = (
    Difference("yao2026", "the text calls the cross-entropy label-smoothed (4.1)", "eq. 4: weights, no smoothing",
               "eq. 4", "training", **_option(loss="triplet", label_smoothing=0.1)),
    Difference("yao2026", "weights \"from the ratio of positive to negative labels\" (eq. 4)", "no formula",
               "n / 2n₊ and n / 2n₋ per value", "training", **_option(loss="triplet")),
    Difference("yao2026", "eq. 4 has no minus sign", "a loss is minimised", "with the sign", "nothing"),
    Difference("yao2026", "CBAM at the bottom and before every AFD block", "CBAM's paper: in every residual block",
               "behind the stem, one per attribute", **_option(attention=False)),
    Difference("yao2026", "CBAM eq. 3: sigmoid of a convolution", "CBAM's code: batch norm before the sigmoid",
               "as the code", **_option(gate_norm=False)),
    Difference("yao2026", "CBAM eq. 3: [mean; max]", "CBAM's code: [max; mean], momentum 0.01", "[mean; max], 0.1",
               "training", **_option(gate_form="code")),
    Difference("yao2026", "CBAM: starts not said", "CBAM's code: biases and the gate's scale start at 0",
               "torch's start", "training", **_option(zero_init_gate=True)),
    Difference("yao2026", "zeros outside the memory's blocks (eq. 7)", "section 3.1: a loss presses them to zero",
               "zero at the start, then held down by the loss", "training"),
    Difference("yao2026", "a prototype starts as the mean over pictures with its value", "ADDE-M: over 100 drawn",
               "all pictures, at most 2,000", "training"),
    Difference("yao2026", "every tuple has a negative (section 4)", "no equation looks at it",
               "ADDE-M's manipulation triplet", "training"),
    Difference("yao2026", "w₁, w₂ and the memory's weights: no values", "ADDE-M: 0.2, 1, 1, 1, 0.4",
               "w₁ = w₂ = 1, ADDE-M's for the memory", "training"),
    Difference("yao2026", "found \"by clustering\" (section 1)", "nearest by Euclidean distance (3.2)", "nearest",
               "nothing"),
    Difference("yao2026", "4:1 into training and test (section 4)", "ADDE's split files: no validation part either",
               "8:1:1, weights chosen on validation", "training"),
    Difference("yao2026", "204,221 test tuples (section 4)", "ADDE's file of the same split: 204,211", "own data",
               "nothing"),
    Difference("yao2026", "accuracy of tables 1 and 2: no definition", NO_CODE,
               "share of (picture, attribute) pairs classified right", "evaluation"),
    Difference("yao2026", "NDCG@30: the ideal is not said", "ADDE's code: thirty pictures with everything right",
               "the gallery's best order; records hold both", "evaluation"),
    Difference("yao2026", "AMNet: a memory read through a controller", NO_CODE, "one linear layer each (a reading)",
               method="amnet"),
)  # fmt: skip
ROWS = ADDE + YAO_ROWS

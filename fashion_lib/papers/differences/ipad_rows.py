"""Differences of IPAD. Its patch branch in the code is RPF's: those rows stand with RPF.

The course stands on IPAD's equations but for eq. 2 and 4 (`papers.ipad.READING`). Rows that change positioning are
measured on the region branch alone without attribute diverging, where nothing else varies.
"""

from fashion_lib.papers import ipad_tables
from fashion_lib.papers.differences.difference import Difference, Pair

BASE = ipad_tables.ipad()
IPAD: Pair = BASE.method, BASE.label
SP = ipad_tables.labelled(ipad_tables.FIGURES["fig3"])["w/ IA"]
PAIRS = ipad_tables.labelled(ipad_tables.CODE)


def _changed(**options: object) -> Pair:
    row = ipad_tables.ipad(**options)
    return row.method, row.label


def _positioning(**options: object) -> dict:
    return {"choose": options, "ours": SP, "other": _changed(**ipad_tables._SP, **options)}


def _diverging(**options: object) -> dict:
    return {"choose": options, "ours": IPAD, "other": _changed(**options)}


TEXT = "paper by default; the course takes the code's"
POSITIONING = (
    Difference("ipad", "p^i = gate · p^(i-1) (eq. 4)", "gate · attended image vector, as ASEN", TEXT,
               choose={"gate": "image"}, ours=PAIRS["eq. 4 as printed"], other=SP),
    Difference("ipad", "keeps A ≥ ζ max A (eq. 2)", "keeps A ≤ ζ max A, which erases the peak", TEXT,
               choose={"suppression": "erase"}, ours=PAIRS["eq. 2 as printed"], other=SP),
    Difference("ipad", "eq. 2 and eq. 4", "both as above", TEXT, choose=dict(ipad_tables.READING),
               ours=PAIRS["as printed"], other=IPAD),
    Difference("ipad", "masked scores are multiplied by 0 (below eq. 2)", "erased scores are 0, not −∞", "0"),
    Difference("ipad", "p⁰ ∈ R^c: as wide as the map, 1024", "512", "paper; eq. 4 demands it",
               choose={"attribute_width": "attention", "iteration": "identical", "gate": "image"}),
    Difference("ipad", "P_s: no norm printed; cites ASEN (3.1.1)", "LN on map and attribute, no batch norm",
               "batch norm, one per pass (a reading)", **_positioning(input_norm="inputs")),
    Difference("ipad", "no linear layer before eq. 5", "1024 → 1024 on foreground and background", "paper",
               **_positioning(linear=True)),
    Difference("ipad", "each pass feeds the next (eq. 1 to 4)", "every pass starts anew: one pass, three times",
               "fed", **_positioning(iteration="identical")),
    Difference("ipad", "x^i = softmax map · x^(i-1) (eq. 3): shrinks x about h·w times", "does not arise",
               "map scaled to mean 1 (a reading)"),
    Difference("ipad", "p^i = gate · p^(i-1): about halves p per pass", "does not arise",
               "gate scaled to mean 1 (a reading)"),
    Difference("ipad", "sum of x^i \"along the channel dimension\" (ICA)", "over positions, as ASEN",
               "over positions"),
    Difference("ipad", "background: weights 1 − α, \"identical iterative procedures\"", "its own gate, shared layers",
               "its own p, shared layers"),
    Difference("ipad", "the crop: the last pass's weights (4.4.1); its own map or those of x³?", "passes are identical",
               "around the weights of x³"),
    Difference("ipad", "binarised weights are cropped (4.4.1); threshold not said",
               "8-bit map, from 26/255, whole pixels", "0.1 of the map, in fractions", **_diverging(crop="code")),
    Difference("ipad", "LN(MLP_skip(p)) (eq. 5, 6)",
               "LN(h + MLP(LN(h))), one LN twice; eps 1e-6; dropout at both ends", "paper",
               **_positioning(region_form="released")),
    Difference("ipad", "a layer norm ends IP-SP (eq. 5)", "as the paper", "with it; first batch: notebook 17a",
               **_positioning(end_norm=False)),
)  # fmt: skip
PATCH = (
    Difference("ipad", "l + FFN(LN(l)), no LN before the attention (eq. 7 to 9)", "RPF's: LN before, LN at the end",
               "paper", **_diverging(patch_form="released")),
    Difference("ipad", "ViT-B/16 (its paper: a last LN, a trained class token)",
               "RPF's: no last LN, no dropout in the attention, class token from zero", "as the ViT's paper",
               choose={"patch_form": "released"}),
    Difference("ipad", "FC_cross on the joined heads (eq. 8)", "768 → 768, then 768 → 1024", "one linear, 768 → 1024",
               choose={"patch_form": "released"}),
    Difference("ipad", "start of new layers, dropout, eps: not said", "N(0, 0.02); 0.1 at both ends of an MLP; 1e-6",
               "torch's start; 0.1 inside; 1e-5", "training", choose={"patch_form": "released"}),
    Difference("ipad", "no type embedding (eq. 7)", "RPF's, on query and patches", "as the code"),
    Difference("ipad", "√D in eq. 7", "√ of one head's share of D", "as the code"),
)  # fmt: skip
DIVERGING = (
    Difference("ipad", "momentum encoders of both branches (eq. 10)", "none: the trained network's own features",
               "paper", "training", **_diverging(momentum="none")),
    Difference("ipad", "momentum encoders: dropout and batch norm are not said", "none",
               "no dropout; the batch's statistics", "training"),
    Difference("ipad", "a full queue loses its oldest batch (3.2)", "its oldest entry", "as the code", "training"),
    Difference("ipad", "every feature is appended", "an image met again is averaged: ½ old + ½ new", "paper",
               "training", choose={"repeats": "average"}, ours=PAIRS["no momentum encoder"],
               other=PAIRS["no momentum encoder, repeats averaged"]),
    Difference("ipad", "a queue per (attribute, value)", "a queue per attribute, shared by its values", "paper",
               "training", **_diverging(queue_per="attribute")),
    Difference("ipad", "the queue of a value keeps its features", "a value that left its queue keeps its old centre",
               "no centre without features", "training", choose={"queue_per": "attribute", "lost_centres": "keep"},
               ours=_changed(queue_per="attribute"), other=_changed(queue_per="attribute", lost_centres="keep")),
    Difference("ipad", "features of which length: not said", "raw network outputs in the queues", "unit length",
               "training", **_diverging(queued="raw")),
    Difference("ipad", "L_CC joins when all queues are full (3.4.2)", "when every value has a centre: batch 17 or so",
               "paper", "training", **_diverging(begins="centres known")),
    Difference("ipad", "which queues must be full: not said", "all values must have a centre: 54, 185 or 1000",
               "waits for no value that training cannot show", "training"),
    Difference("ipad", "order of update and loss: not said", "push and renew, then the loss of the same batch",
               "loss, then push", "training", **_diverging(pushed="before the loss")),
    Difference("ipad", "mean over n_q features (eq. 11)", "mean over what the queue holds", "as the code",
               "training"),
    Difference("ipad", "centres every n_b = 50 batches", "three ticks per batch: every 16 or 17", "paper", "training",
               **_diverging(ticks=3)),
    Difference("ipad", "plain sum of three losses (eq. 19)", "the third is divided by 3", "paper", "training",
               **_diverging(terms="third")),
    Difference("ipad", "eq. 14 and 16 call d a distance", "cosine similarity, as its signs demand", "similarity",
               "nothing"),
)  # fmt: skip
LOSSES = (
    Difference("ipad", "backgrounds of the same attribute value (below eq. 15)", "of the same attribute, as RPF",
               "paper", "training", **_diverging(backgrounds="attribute")),
    Difference("ipad", "Ψ and Φ print f_sp(I_j) (eq. 15)", "row i's region feature in all terms",
               "row i's (a reading)", "training"),
    Difference("ipad", "Ω in eq. 15 is not defined", "Ω + Ψ is the sum over all patch rows",
               "as the code (a reading)", "nothing"),
    Difference("ipad", "a triplet loss on one view (eq. 14)", "region branch: five terms over three views, averaged",
               "paper", "training", **_diverging(views=3)),
    Difference("ipad", "no classification (eq. 18, 20)", "stage 1: + 0.1 · cross-entropy of a value head", "paper",
               "training", **_diverging(value_weight=0.1)),
    Difference("ipad", "no value embeddings", "a value cross-attention that no loss reaches; an unused adapter",
               "paper", "nothing", choose={"unused_parts": True}),
    Difference("ipad", "β 0.4", "0.3 FashionAI and DARN, 0.4 DeepFashion", "0.4; the curve: notebook 20",
               "evaluation", choose={"beta": 0.3}),
    Difference("ipad", "a sum: √β f_sp + √(1−β) f_se (eq. 21)", "concatenation, as RPF",
               "concatenation: only then does β weigh similarities", "evaluation"),
    Difference("ipad", "142 M parameters, 3.44 GFLOPs, 11 ms (4.5)", "116,115,063 parameters for 8 attributes",
               "counted in notebook 20a", "nothing"),
    Difference("ipad", "feature reasoning re-ranks (eq. 12, 13, 17)", "not in the repository",
               "without; `ipad+fr` in the tables", "evaluation", ours=IPAD, other=("ipad+fr", BASE.label)),
    Difference("ipad", "eq. 13 prints half the gradient of the loss above it", "not in the repository",
               "as printed; ρ takes it up", "evaluation"),
    Difference("ipad", "all rows together", "all rows together", "paper, eq. 2 and 4 as the code",
               choose={"variant": "code"}, ours=IPAD, other=PAIRS["all of it"]),
)  # fmt: skip
RECIPE = (
    Difference("ipad", "eq. 18, then eq. 20", "stage 1: region branch alone; stage 2: both", "as the code",
               "training", choose={"first_stage": 0.0}),
    Difference("ipad", "L_CC joins after eq. 18", "queues and L_CC already in stage 1; stage 2 starts them anew",
               "in stage 2", "training", **_diverging(centres_from=1)),
    Difference("ipad", "no seed is named", "none is set", "seeds 0, 1, 2", "training"),
    Difference("ipad", "precision: not said", "float16 in convolutions and products; a new scaler per epoch",
               "bfloat16 in backbones where a timing says that is faster", "training"),
    Difference("ipad", "mirroring: not said", "first view: in stage 1 only",
               "with profile `paper` as the code; else one setting per run", "training"),
    Difference("ipad", "triplets", "anchors, positives and negatives are pushed one after the other",
               "so in a triplet list; in a batch each example has all three roles", "training"),
    Difference("ipad", "anchors are augmented (4.1.1), how is not said",
               "two more views: random perspective 0.2 and 0.4, mirrored at random", "the profile's", "training"),
    Difference("ipad", "order of the views' steps: not said", "from the file: resize, perspective, centre crop, mirror",
               "from the first view, which is square", "training", choose={"views": 3}),
    Difference("ipad", "learning rates: not printed",
               "stage 1: 1e-4, ×0.9 per 3 epochs; stage 2: 1e-5 and 5.5e-5, per 2",
               "with profile `paper` as the code", "training"),
    Difference("ipad", "batch size and epochs: not printed", "64, then 16 or 20; last epoch 100 to 200",
               "with profile `paper` as the code", "training"),
    Difference("ipad", "start of stage 2: not said", "a checkpoint of stage 1, whose epoch number goes on",
               "with profile `paper` stage 1's best; else one run: the last state", "training"),
    Difference("ipad", "test pictures: not said", "stage 1 flips them at random too", "no flip", "evaluation"),
    Difference("ipad", "254 K and 289 K images (4.1.1)", "the lists hold 214,619 and about 276,250", "own data",
               "evaluation"),
)  # fmt: skip
ROWS = POSITIONING + PATCH + DIVERGING + LOSSES + RECIPE

"""Differences of ASEN++ and RPF. The text of neither paper was at hand, only their framework figures."""

from fashion_lib.papers.differences.difference import Difference, pair

OPEN = "text not at hand"
ASEN_PP = (
    Difference("asen_pp", "figure: a CNN per branch", "local branch: ResNet-34 at 112 px, 256 channels",
               "as the code"),
    Difference("asen_pp", "figure: spatial, then channel attention", "no batch norm on the keys", "as the code"),
    Difference("asen_pp", "figure: a linear layer at each end", "1024 → 1024 and 256 → 1024", "as the code"),
    Difference("asen_pp", "figure: one attribute embedding for both branches", "one table of 512", "as the code"),
    Difference("asen_pp", OPEN, "alignment 0.1 · (means over anchors + positives + negatives of 1 − cos)",
               "as the code", "training"),
    Difference("asen_pp", OPEN, "revisions before August 2021: 0.2 − cos in place of 1 − cos", "1 − cos", "training"),
    Difference("asen_pp", OPEN, "triplet losses weigh 1 (global) and 0.1 (local); β 0.6", "as the code", "training"),
    Difference("asen_pp", OPEN, "stage 2 starts from stage 1's last checkpoint, not its best",
               "one run: the last state", "nothing"),
    Difference("asen_pp", OPEN, "stage 2: local 1e-4, global 1e-5, ×0.9 every epoch, 20 epochs", "the profile's",
               "training"),
    Difference("asen_pp", OPEN, "mirrors no picture", "mirrored in training", "training"),
    Difference("asen_pp", OPEN, "crop: 8-bit map of 224 × 224, from 26/255, whole pixels", "as the code",
               choose={"crop": "course"}),
    Difference("asen_pp", OPEN, "a flat map is an error", "the whole picture", "nothing"),
)  # fmt: skip
PAPER, CODE = pair("rpf", "paper"), pair("rpf", "code")
RPF = (
    Difference("rpf", "figure: both vectors enter one MLP; which box holds fc cannot be seen",
               "the background skips the foreground's linear layer", "the background takes it (a reading)",
               choose={"variant": "code"}, ours=PAPER, other=CODE),
    Difference("rpf", OPEN, "crop: 8-bit map of 224 × 224, from 26/255, whole pixels", "0.1 of the map, in fractions",
               choose={"crop": "code"}, ours=PAPER, other=pair("rpf", "paper", crop="code")),
    Difference("rpf", "residual blocks: text not at hand", "LN(h + MLP(LN(h))), one LN module twice", "as the code"),
    Difference("rpf", OPEN, "no channel attention", "as the code"),
    Difference("rpf", OPEN, "LN on map and attribute, no batch norm; every LN has eps 1e-6", "as the code"),
    Difference("rpf", "ViT-B/16", "no last LN of the ViT", "as the code"),
    Difference("rpf", "ViT-B/16", "class token: starts at zero, not loaded, dropped at the end", "as the code"),
    Difference("rpf", "figure: type embeddings for attribute and patches", "one LN for tokens and query after them",
               "as the code"),
    Difference("rpf", OPEN, "heads → linear 768 → 768, then 768 → 1024", "as the code"),
    Difference("rpf", OPEN, "patch end: LN_p(h + MLP(LN_f(h))), GELU, two LNs", "as the code"),
    Difference("rpf", OPEN, "the patch branch takes the attribute without its LN", "as the code"),
    Difference("rpf", OPEN, "dropout 0.1: positions, both halves of every MLP; not in the attention", "as the code",
               "training"),
    Difference("rpf", "figure: backgrounds of the image, of positives and of negatives",
               "backgrounds of the same attribute, weight 12", "as the code", "training"),
    Difference("rpf", OPEN, "β 0.3 FashionAI and DARN, 0.4 DeepFashion", "0.4", "evaluation",
               choose={"beta": "fashionai"}),
    Difference("rpf", OPEN, "stage 1 is validated on pictures flipped at random", "no flip", "evaluation"),
    Difference("rpf", OPEN, "stage 2 starts from stage 1's best validation checkpoint",
               "one run: the last state", "training"),
    Difference("rpf", OPEN, "stage 1: 5e-5, ×0.9 per 3 epochs; stage 2: 5.5e-5 and 1e-5, ×0.9 per 2", "the profile's",
               "training"),
    Difference("rpf", OPEN, "new patch layers start from N(0, 0.02)", "as the code", "training"),
    Difference("rpf", "ImageNet-21k weights of the ViT", "the same", "hybrid on the laptop, ViT-B/16 with `paper`"),
)  # fmt: skip
ROWS = ASEN_PP + RPF

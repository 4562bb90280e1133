"""Differences of AG-MLAN (the preprint) and AG-MAN (the released code)."""

from fashion_lib.papers.differences.difference import Difference, pair

PAPER = pair("ag_mlan", "paper")


def _other(**options: object) -> dict:
    return {"choose": options, "ours": PAPER, "other": pair("ag_mlan", "paper", **options)}


ROWS = (
    Difference("ag_mlan", "SA convolves 1 × 1 (eq. 4)", "7 × 7", "1 × 1", **_other(sa_kernel=7)),
    Difference("ag_mlan", "attention on 2048 channels; where 512 begin is not said",
               "2048 → 512 before any attention", "after the sum over positions (a reading)",
               **_other(reduce="before")),
    Difference("ag_mlan", "eq. 3 attends I", "attends the reduced map, before batch norm", "as `reduce` says",
               choose={"reduce": "before"}),
    Difference("ag_mlan", "learned w₀, w₁ (eq. 9)", "½·exp(p)·L + p with p in no optimiser: ½e for ever",
               "learned: Σ ½·exp(−p)·L + ½p (a reading)", "training", **_other(loss_weights="fixed")),
    Difference("ag_mlan", "all rows together", "all rows together", "paper", choose={"variant": "code"},
               ours=PAPER, other=pair("ag_mlan", "code")),
    Difference("ag_mlan", "eq. 1 prints no batch norm, the text names one", "on the key side only", "as the code"),
    Difference("ag_mlan", "W₁, W₂ \"learned weight matrices\" (eq. 3, 6)", "a learned number each",
               "as the code; W₂ falls out of the unit length"),
    Difference("ag_mlan", "no factor on the joined map", "a learned number, 1 at the start", "as the code"),
    Difference("ag_mlan", "W_a, W_a′ \"of the embedding and FC layers\" (eq. 2, 5)",
               "one table, a linear per attention",
               "as the code (a reading)", **_other(shared_attribute=False)),
    Difference("ag_mlan", "W_c1, W_c2 printed as c′ × n (eq. 6)", "1024 → 512 → 512", "as the code"),
    Difference("ag_mlan", "[q(a), I_s′] (eq. 6)", "[x; attribute]", "as the code", "nothing"),
    Difference("ag_mlan", "how stage 2 gets stage 3's shape is not said",
               "3 × 3 max pool, stride 2, then 1 × 1 to 1024", "as the code"),
    Difference("ag_mlan", "start of that convolution: not said", "N(0, √(2/1024))", "torch's; the code's in `code`",
               "training", choose={"variant": "code"}),
    Difference("ag_mlan", "weight w_a per attribute (eq. 7)", "none: the mean over attributes", "none", "training"),
    Difference("ag_mlan", "branch 1 classifies \"attributes\" (eq. 7)", "the label is the attribute, not its value",
               "as the code", "training"),
    Difference("ag_mlan", "the mask is fixed (section 1), learned (3.4)", "learned, from \"prein\"", "learned"),
    Difference("ag_mlan", "blocks of the mask's start: not said", "⌊c′/n⌋ each; what remains belongs to none",
               "all c′, as even as can be", **_other(mask_blocks="floor")),
    Difference("ag_mlan", "eq. 8 is said to compare distances; its D is the cosine (3.5)", "cosine similarity",
               "cosine", "nothing"),
    Difference("ag_mlan", "Zappos50k: branch 1 is removed (4.1)",
               "only its loss is; the joined map still feeds branch 2",
               "both can be left out", choose={"branch1_loss": False}),
    Difference("ag_mlan", "unit length", "without an eps", "eps 1e-12", "nothing"),
    Difference("ag_mlan", "Zappos50k's triplets: not said",
               "200,000 listed triplets, drawn once; best triplet accuracy",
               "listed ones in a triplet list (profile `paper`), else drawn from labels; best MAP", "training"),
    Difference("ag_mlan", "rotation: not said", "FashionAI's loader also returns views turned by 45° and 90°", "none",
               "training"),
    Difference("ag_mlan", "epochs: not said", "150 FashionAI, 50 DeepFashion and Zappos50k",
               "with profile `paper` as the code", "training"),
    Difference("ag_mlan", "code public",
               "does not start: its loader does not fit, two imported files are missing", "runs",
               "nothing"),
)  # fmt: skip

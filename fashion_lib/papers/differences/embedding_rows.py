"""Differences of CSN, ASEN and the three systems that build on ASEN without public code of their own."""

from fashion_lib.papers.differences.difference import Difference, pair

OPEN = "text not at hand"
PREIN, LEARNED = pair("csn", "prein"), pair("csn", "learned")
CSN = (
    Difference("csn", "all rows together", "Veit et al.'s own code", "prein", choose={"variant": "veit"}, ours=PREIN,
               other=pair("csn", "veit")),
    Difference("csn", "Euclidean distance, free length", "ASEN's re-run: unit length, cosine", "the re-run",
               choose={"variant": "veit"}),
    Difference("csn", "triplets only, no ranking", "ASEN's re-run: MAP by cosine", "MAP by cosine, for `veit` too",
               "evaluation"),
    Difference("csn", "100,000 triplets, drawn once", "ASEN's re-run: drawn before each epoch", "drawn from labels",
               "training"),
    Difference("csn", "64 dimensions", "ASEN's re-run: 1024, as wide as the map", "the re-run", choose={"dim": 64}),
    Difference("csn", "penalties: 5e-3 on embeddings, 5e-4 on masks", "ASEN's re-run: none", "none", "training",
               choose={"variant": "veit"}),
    Difference("csn", "ResNet-18 at 112 px", "ASEN's re-run: ResNet-50 at 224 px", "the profile's"),
    Difference("csn", "learned masks", "both codes: learned from N(0.9, 0.7), or \"prein\"",
               "prein, better on validation", choose={"variant": "learned"}, ours=PREIN, other=LEARNED),
    Difference("csn", "fixed masks", "both: 0 or 1, no gradient, no ReLU; the default of Veit et al.", "prein",
               choose={"variant": "fixed"}, ours=PREIN, other=pair("csn", "fixed")),
    Difference("csn", "dimensions are split among the attributes", "⌊D/n⌋ each; what remains belongs to none",
               "all D, as even as can be", choose={"blocks": "floor"}, ours=PREIN,
               other=pair("csn", "prein", blocks="floor")),
    Difference("csn", "all rows together", "ASEN's re-run: blocks of ⌊D/n⌋; the masks' start is an option", "prein",
               choose={"variant": "code"}, ours=PREIN, other=pair("csn", "code")),
    Difference("csn", "a triplet is right if d(far) > d(close)", "ASEN's re-run: by cosine",
               "by the variant's measure", "evaluation", choose={"variant": "veit"}),
    Difference("csn", "Adam, 5e-5 · 0.985^epoch, batch 256, 200 epochs", "ASEN's re-run: as ASEN v1",
               "with profile `paper` as the code",
               "training"),
)  # fmt: skip
V2, V1 = pair("asen", "v2"), pair("asen", "v1")
ASEN = (
    Difference("asen", OPEN, "two models: v1 is the default, v2 stands in the README", "v2", choose={"variant": "v1"},
               ours=V2, other=V1),
    Difference("asen", OPEN, "v1: two attribute tables, 512 and 1024 wide; v2: one of 512, a linear per side",
               "each as its version", choose={"variant": "v1"}),
    Difference("asen", OPEN, "v1: convolution 512 → 1 and tanh before the softmax; v2: sum / √512",
               "each as its version", choose={"variant": "v1"}),
    Difference("asen", OPEN, "v2: batch norm on the keys; v1: none", "each as its version", choose={"variant": "v1"}),
    Difference("asen", OPEN, "v1: a last linear 1024 → 1024; v2: none", "each as its version",
               choose={"variant": "v1"}),
    Difference("asen", OPEN, "unit length without an eps", "eps 1e-12", "nothing"),
    Difference("asen", OPEN, "v1: ×0.985 per epoch, 200 epochs; v2: ×0.9 per 3 epochs, 50 epochs",
               "with profile `paper` as the code", "training"),
)  # fmt: skip
FAMILY = (
    Difference("family", "AttnFashion: x₁ and x₂ are fused adaptively",
               "none public; IPAD's repository: one linear scores both, switched off",
               "a linear per score (a reading)", method="attnfashion"),
    Difference("family", "HAEN: behind a paywall", "none public", "parent and own embedding joined, then a mask",
               method="haen"),
    Difference("family", "HAEN: masks disentangle the outputs", "none public", "they start as CSN's",
               choose={"masks": "learned"}, method="haen"),
    Difference("family", "ISLN: each pass feeds the next",
               "none public; IPAD's repository: a loop that feeds nothing", "fed", method="isln"),
    Difference("family", "ISLN: x^i = map · x^(i-1)", "none public", "map scaled to mean 1 (a reading)",
               method="isln"),
)  # fmt: skip
ROWS = CSN + ASEN + FAMILY

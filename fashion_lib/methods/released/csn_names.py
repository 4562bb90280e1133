"""Tensor names of CSN's checkpoints as ASEN's repository trains it (Veit et al., CVPR 2017)."""

from fashion_lib.methods.released.asen_names import NET
from fashion_lib.methods.released.name_table import NameTable, Rule

CSN = NameTable(
    "CSN",
    (
        Rule(f"{NET}embeddingnet.*", "backbone.*"),
        Rule(f"{NET}embed_fc.*", "linear.*"),
        Rule(f"{NET}masks.weight", "masks"),
    ),
    container="state_dict",
    score="prec",
    unused=(f"{NET}embeddingnet.fc.*",),  # of ImageNet's 1000 classes
)

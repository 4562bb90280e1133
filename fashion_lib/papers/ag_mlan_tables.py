"""AG-MLAN's tables as rows: the paper's name -> our method and variant, as the ledger stores them."""

from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import variant_label

_NAMES = {
    "random": "random", "triplet": "triplet", "CSN": "csn", "ASEN": "asen", "AttnFashion": "attnfashion",
    "HAEN": "haen", "ISLN": "isln", "AG-MLAN": "ag_mlan",
}  # fmt: skip
# tables 1 to 3, in the paper's order
METHOD_ROWS = {name: (method, METHODS[method].variants[0]) for name, method in _NAMES.items()}
# what an ablation takes away -> the model's option
PARTS = {
    "without branch 1": {"branch1": False},  # no classification of attributes while training
    "without hierarchical features": {"hierarchical": False},  # stage 3 alone feeds both branches
    "without SA": {"spatial_gate": False},  # ASA's map as it is
    "without the mask": {"mask": False},  # the gated vector is the embedding
}
# Table 3: on Zappos50k the paper removes branch 1 (section 4.1).
ZAPPOS_ROWS = {name: METHOD_ROWS[name] for name in ("CSN", "ASEN", "AttnFashion", "ISLN")} | {
    "AG-MLAN": ("ag_mlan", variant_label("paper", **PARTS["without branch 1"]))
}
ABLATION_ROWS = {"AG-MLAN": METHOD_ROWS["AG-MLAN"]} | {
    name: ("ag_mlan", variant_label("paper", **options)) for name, options in PARTS.items()
}

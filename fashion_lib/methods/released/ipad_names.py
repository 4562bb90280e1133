"""Tensor names of IPAD's released checkpoints (Wan et al. 2025)."""

from fashion_lib.methods.released.asen_pp_names import GLOBAL, LOCAL, attention_rules
from fashion_lib.methods.released.name_table import NameTable, Rule
from fashion_lib.methods.released.rpf_names import PATCH, REGION_NORMS, cross_rules

IPAD = NameTable(
    "IPAD",
    (
        Rule(f"{GLOBAL}attrnet.attr_embedding.*", "attribute.*"),
        *attention_rules(GLOBAL, "region."),
        *REGION_NORMS,
        *PATCH,
        *cross_rules("vcrossencoder.", "value_parts.cross.", "value_parts."),
    ),
    container="model",
    score="mAP",
    unused=(f"{GLOBAL}basenet.fc.*", f"{GLOBAL}*adapter*"),  # of ImageNet's 1000 classes; never called
    twice=((f"{LOCAL}attrnet.attr_embedding.*", f"{GLOBAL}attrnet.attr_embedding.*"),),
    anywhere=("vmlp", "vembed", "vcrossencoder"),
    own=("step", "steps", "diverging.*", "slow.*"),
)

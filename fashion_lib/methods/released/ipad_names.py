"""Tensor names of IPAD's released checkpoints (Wan et al. 2025)."""

from fashion_lib.methods.released.asen_pp_names import GLOBAL, SHARED_TABLE
from fashion_lib.methods.released.name_table import NameTable, Rule
from fashion_lib.methods.released.rpf_names import PATCH, REGION_NORMS, cross_rules

REGION = (
    Rule(f"{GLOBAL}basenet.*", "region.backbone.*"),
    Rule(f"{GLOBAL}attnnet.attr_transform1.*", "region.spatial_attribute.0.*"),
    Rule(f"{GLOBAL}attnnet.conv.weight", "region.conv.weight"),
    Rule(f"{GLOBAL}attnnet.conv.bias", "region.norms.0.bias"),
    Rule(f"{GLOBAL}attnnet.attr_transform2.*", "region.channel.attribute_side.0.*"),
    Rule(f"{GLOBAL}attnnet.fc1.*", "region.channel.hidden.*"),
    Rule(f"{GLOBAL}attnnet.fc2.*", "region.channel.gate.*"),
    Rule(f"{GLOBAL}attnnet.feature_fc.*", "region.linear.*"),
)
VALUES = (
    Rule("vmlp.fc1_layers.#.*", "values.heads.#.0.*"),
    Rule("vmlp.fc2_layers.#.*", "values.heads.#.3.*"),
    Rule("vmlp.output_layers.#.*", "values.heads.#.6.*"),
    Rule("vembed.value_embedding.#.*", "unused.value_attention.embeddings.#.*"),
    *cross_rules("vcrossencoder.", "unused.value_attention.cross.", "unused.value_attention."),
)

IPAD = NameTable(
    "IPAD",
    (Rule(f"{GLOBAL}attrnet.attr_embedding.*", "attribute.*"), *REGION, *REGION_NORMS, *PATCH, *VALUES),
    container="model",
    score="mAP",
    unused=(f"{GLOBAL}basenet.fc.*", f"{GLOBAL}*adapter*"),  # of ImageNet's 1000 classes; never called
    twice=SHARED_TABLE,
    anywhere=("vmlp", "vembed", "vcrossencoder"),  # the authors' lists do not say below which module
    own=("step", "steps", "diverging.*", "slow.*", "unused.adapter.*"),
)

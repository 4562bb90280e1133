"""Tensor names of ASEN's released checkpoints, version 1 and version 2 (Ma et al., AAAI 2020)."""

from fashion_lib.methods.released.name_table import AS_KERNEL, TRANSPOSED, NameTable, Rule

NET = "embeddingnet."  # before every name: the network inside the triplet network
CLASSIFIER = (f"{NET}backbonenet.fc.*",)  # of ImageNet's 1000 classes: in the file, never used
GATE = (Rule(f"{NET}fc1.*", "channel.hidden.*"), Rule(f"{NET}fc2.*", "channel.gate.*"))
# What AG-MAN takes over from version 2, beside the convolution and the table of attributes.
ATTENTION = (
    Rule(f"{NET}attr_transform1.*", "spatial.attribute_side.0.*"),
    Rule(f"{NET}attr_transform2.*", "channel.attribute_side.0.*"),
    Rule(f"{NET}img_bn1.*", "spatial.norm.*"),
    *GATE,
)

# Version 1's attribute tables are linear layers on a one-hot attribute, so their weights are transposed.
ASEN_V1 = NameTable(
    "ASEN v1",
    (
        Rule(f"{NET}backbonenet.*", "backbone.*"),
        Rule(f"{NET}mask_fc1.weight", "attribute.weight", TRANSPOSED),
        Rule(f"{NET}mask_fc2.weight", "channel_attribute.weight", TRANSPOSED),
        Rule(f"{NET}conv1.*", "spatial.conv.*"),
        Rule(f"{NET}conv2.weight", "spatial.score.weight", AS_KERNEL),
        Rule(f"{NET}conv2.bias", "spatial.score.bias"),
        *GATE,
        Rule(f"{NET}feature_fc.*", "linear.*"),
    ),
    container="state_dict",
    score="prec",
    unused=CLASSIFIER,
)

ASEN_V2 = NameTable(
    "ASEN v2",
    (
        Rule(f"{NET}backbonenet.*", "backbone.*"),
        Rule(f"{NET}attr_embedding.*", "attribute.*"),
        Rule(f"{NET}conv1.*", "spatial.conv.*"),
        *ATTENTION,
    ),
    container="state_dict",
    score="prec",
    unused=CLASSIFIER,
)

"""Tensor names of ASEN++'s released checkpoints (Dong et al., TIP 2021)."""

from fashion_lib.methods.released.name_table import NameTable, Rule

GLOBAL, LOCAL = "choices.global.", "choices.local."
# Both branches hold the one table of attributes.
SHARED_TABLE = ((f"{LOCAL}attrnet.attr_embedding.*", f"{GLOBAL}attrnet.attr_embedding.*"),)


def attention_rules(theirs: str, ours: str) -> tuple[Rule, ...]:
    """Return the rules of one branch: its backbone, attention and last linear layer."""
    return (
        Rule(f"{theirs}basenet.*", f"{ours}backbone.*"),
        Rule(f"{theirs}attnnet.attr_transform1.*", f"{ours}spatial.attribute_side.0.*"),
        Rule(f"{theirs}attnnet.conv.*", f"{ours}spatial.conv.*"),
        Rule(f"{theirs}attnnet.attr_transform2.*", f"{ours}channel.attribute_side.0.*"),
        Rule(f"{theirs}attnnet.fc1.*", f"{ours}channel.hidden.*"),
        Rule(f"{theirs}attnnet.fc2.*", f"{ours}channel.gate.*"),
        Rule(f"{theirs}attnnet.feature_fc.*", f"{ours}linear.*"),
    )


ASEN_PP = NameTable(
    "ASEN++",
    (
        Rule(f"{GLOBAL}attrnet.attr_embedding.*", "attribute.*"),
        *attention_rules(GLOBAL, "region."),
        *attention_rules(LOCAL, "patch."),
    ),
    container="model",
    score="mAP",
    unused=(f"{GLOBAL}basenet.fc.*", f"{LOCAL}basenet.fc.*"),  # of ImageNet's 1000 classes
    twice=SHARED_TABLE,
    writes_twice=True,
    own=("step", "steps"),
)

"""Tensor names of AG-MAN's checkpoints (Xiao and Yamasaki; the later name of AG-MLAN)."""

from fashion_lib.methods.released.asen_names import ATTENTION, CLASSIFIER, NET
from fashion_lib.methods.released.name_table import NameTable, Rule

AG_MAN = NameTable(
    "AG-MAN",
    (
        Rule(f"{NET}backbonenet.conv1.*", "backbone.conv1.*"),
        Rule(f"{NET}backbonenet.bn1.*", "backbone.bn1.*"),
        *(Rule(f"{NET}backbonenet.layer{stage}.*", f"backbone.layer{stage}.*") for stage in (1, 2, 3)),
        Rule(f"{NET}backbonenet.conv1_1.*", "bring.conv.*"),
        Rule(f"{NET}backbonenet.layer4.*", "branch1.stage4.*"),
        Rule(f"{NET}backbonenet.fc_embed.*", "branch1.linear.*"),
        Rule(f"{NET}w", "scale"),
        Rule(f"{NET}w1", "spatial_scale"),
        Rule(f"{NET}w2", "channel_scale"),
        Rule(f"{NET}conv1.*", "reduce.*"),
        Rule(f"{NET}attr_embedding.*", "spatial_attribute.*"),
        Rule(f"{NET}sa.conv1.*", "spatial_gate.conv.*"),
        *ATTENTION,
        Rule(f"{NET}masks.weight", "masks"),
    ),
    container="state_dict",
    score="prec",
    unused=CLASSIFIER,
    own=("loss_weights.p",),  # constants that the authors' code keeps outside the network
)

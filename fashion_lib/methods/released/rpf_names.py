"""Tensor names of RPF's released checkpoints (Dong et al., SIGIR 2023); IPAD's share them."""

from fashion_lib.methods.released.asen_pp_names import GLOBAL, LOCAL, SHARED_TABLE, attention_rules
from fashion_lib.methods.released.name_table import LEADING_ONE, NameTable, Rule

BLOCK = (f"{LOCAL}basenet.encoder.layer.#.", "patch.tokens.encoder.layers.encoder_layer_#.")  # torchvision's names
SIDES = ("query", "key", "value")  # torchvision stacks them in one tensor

REGION_NORMS = (
    Rule(f"{GLOBAL}attnnet.x_layer_norm.*", "region.map_norm.*"),
    Rule(f"{GLOBAL}attnnet.a_layer_norm.*", "region.attribute_norm.*"),
    Rule(f"{GLOBAL}attnnet.mlp_layer_norm.*", "region.norm.*"),
    Rule(f"{GLOBAL}attnnet.mlp.fc1.*", "region.mlp.layers.0.*"),
    Rule(f"{GLOBAL}attnnet.mlp.fc2.*", "region.mlp.layers.3.*"),
)


def cross_rules(theirs: str, ours: str, ends: str) -> tuple[Rule, ...]:
    """Return the rules of a cross-attention with the MLP after it.

    Args:
        theirs: the authors' module.
        ours: our cross-attention.
        ends: our module that holds the layer norm before the MLP and the MLP.
    """
    return (
        Rule(f"{theirs}cross_attention_norm.*", f"{ours}input_norm.*"),
        *(Rule(f"{theirs}cross_attn.{side}.*", f"{ours}{side}.*") for side in SIDES),
        Rule(f"{theirs}cross_attn.out.*", f"{ours}join.*"),
        Rule(f"{theirs}fc.*", f"{ours}widen.*"),
        Rule(f"{theirs}ffn_norm.*", f"{ends}norm.*"),
        Rule(f"{theirs}ffn.fc1.*", f"{ends}mlp.layers.0.*"),
        Rule(f"{theirs}ffn.fc2.*", f"{ends}mlp.layers.3.*"),
    )


PATCH = (
    Rule(f"{LOCAL}basenet.embeddings.patch_embeddings.*", "patch.tokens.patches.*"),
    Rule(f"{LOCAL}basenet.embeddings.cls_token", "patch.tokens.class_token"),
    Rule(f"{LOCAL}basenet.embeddings.position_embeddings", "patch.tokens.encoder.pos_embedding"),
    Rule(f"{BLOCK[0]}attention_norm.*", f"{BLOCK[1]}ln_1.*"),
    Rule(tuple(f"{BLOCK[0]}attn.{side}.weight" for side in SIDES), f"{BLOCK[1]}self_attention.in_proj_weight"),
    Rule(tuple(f"{BLOCK[0]}attn.{side}.bias" for side in SIDES), f"{BLOCK[1]}self_attention.in_proj_bias"),
    Rule(f"{BLOCK[0]}attn.out.*", f"{BLOCK[1]}self_attention.out_proj.*"),
    Rule(f"{BLOCK[0]}ffn_norm.*", f"{BLOCK[1]}ln_2.*"),
    Rule(f"{BLOCK[0]}ffn.fc1.*", f"{BLOCK[1]}mlp.0.*"),
    Rule(f"{BLOCK[0]}ffn.fc2.*", f"{BLOCK[1]}mlp.3.*"),
    Rule(f"{LOCAL}basenet.attr2query.*", "patch.cross.attribute.*"),
    Rule(f"{LOCAL}basenet.type_embed", "patch.cross.types", LEADING_ONE),
    *cross_rules(f"{LOCAL}basenet.crossencoder.", "patch.cross.", "patch."),
    Rule(f"{LOCAL}basenet.norm.*", "patch.last_norm.*"),
)

RPF = NameTable(
    "RPF",
    (
        Rule(f"{GLOBAL}attrnet.attr_embedding.*", "attribute.*"),
        *(rule for rule in attention_rules(GLOBAL, "region.") if ".channel." not in rule.ours),
        *REGION_NORMS,
        *PATCH,
    ),
    container="model",
    score="mAP",
    unused=(f"{GLOBAL}basenet.fc.*",),  # of ImageNet's 1000 classes
    twice=SHARED_TABLE,
    own=("step", "steps"),
)

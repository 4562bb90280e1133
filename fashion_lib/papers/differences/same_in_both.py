"""Options of the methods in which paper and code do not differ, so that page 11 has no row for them."""

# Reason -> "method.option". A new option stands here or in a row.
SAME_IN_BOTH = {
    "a size that the laptop profile scales": set(
        ["rpf.vit", "ipad.vit", "asen_pp.image_scale", "rpf.image_scale", "ipad.image_scale", "ipad.queue_length", "ipad.mu", "asen_pp.first_stage", "rpf.first_stage", "ipad.first_stage", "yao2026.dim", "amnet.dim", "adde_m.dim"]
    ),
    "a number that paper and code share, or that only one of them names": set(
        ["rpf.patch_weight", "rpf.contrast_weight", "rpf.threshold", "ipad.patch_weight", "ipad.contrast_weight", "ipad.threshold", "ipad.xi", "ipad.ratio", "ipad.passes", "ipad.centre_every", "isln.passes"]
    ),
    "an ablation: it leaves out a part that both have": set(
        ["asen.spatial", "asen.channel", "ag_mlan.branch1", "ag_mlan.hierarchical", "ag_mlan.spatial_gate", "ag_mlan.mask", "asen_pp.branches", "rpf.branches", "ipad.branches", "ipad.diverging", "ipad.isa", "ipad.ica"]
    ),
    "a variant's own setting under another name": {"asen.version", "csn.masks", "rpf.background_linear", "adde_m.hidden", "adde_m.fc7"},
}

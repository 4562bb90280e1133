"""Options of the methods in which paper and code do not differ, so that page 11 has no row for them."""

# Reason -> method -> options, separated by spaces. A new option stands here or in a row.
SAME_IN_BOTH: dict[str, dict[str, str]] = {
    "a size that the laptop profile scales": {
        "asen_pp": "crop_scale local_backbone",
        "rpf": "vit first_stage crop_scale",
        "ipad": "vit image_scale crop_scale queue_length mu centre_every",
        "adde_m": "dim",
        "yao2026": "dim",
        "amnet": "dim",
    },
    "a number that paper and code share, or that only one of them names": {
        "isln": "passes",
        "asen_pp": "beta patch_weight align threshold",
        "rpf": "patch_weight contrast_weight threshold",
        "ipad": "patch_weight contrast_weight threshold xi ratio passes",
    },
    "an ablation: it leaves out a part that both have": {
        "asen": "spatial channel",
        "ag_mlan": "branch1 hierarchical spatial_gate mask",
        "asen_pp": "branches",
        "rpf": "branches",
        "ipad": "branches diverging isa ica",
    },
    "a variant's own setting under another name": {
        "csn": "masks",
        "asen": "version",
        "adde_m": "hidden fc7",
    },
}

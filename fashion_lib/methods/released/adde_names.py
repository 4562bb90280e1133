"""Tensor names of ADDE-M's released checkpoints, a file of the network and one of the memory (Hou et al. 2021)."""

from fashion_lib.methods.released.name_table import NameTable, Rule

ADDE_M = NameTable(
    "ADDE-M",
    (
        Rule("backbone.features.*", "trunk.backbone.features.*"),  # AlexNet, with torchvision's names
        Rule("backbone.classifier.#.*", "trunk.fc7.layers.#.*"),
        Rule("backbone.conv1.*", "trunk.backbone.conv1.*"),  # or ResNet-18
        Rule("backbone.bn1.*", "trunk.backbone.bn1.*"),
        *(Rule(f"backbone.layer{stage}.*", f"trunk.backbone.layer{stage}.*") for stage in (1, 2, 3)),
        Rule("backbone.layer4.*", "trunk.stage4.*"),
        Rule("dis_proj.#.0.*", "branches.#.afd.layers.0.*"),
        Rule("dis_proj.#.2.*", "branches.#.afd.layers.2.*"),
        Rule("attr_classifier.#.0.*", "classifier.layers.#.*"),
        Rule("Memory.weight", "memory.weight"),
    ),
    container="",
    score="",
    unused=("backbone.fc.*", "backbone.classifier.6.*"),  # of ImageNet's 1000 classes
    apart="Memory.*",
)

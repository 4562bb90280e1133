"""The variants of IPAD, "paper" and "code", as options of its classes."""

from collections.abc import Collection
from typing import Any

from fashion_lib.parts.losses import BACKGROUNDS

# Every row of "paper against code" that changes a model or its training; see IterativePositioning,
# AttributeDiverging, TwoBranchModel and IPAD.
VARIANTS: dict[str, dict[str, Any]] = {
    "paper": {"iteration": "fed", "suppression": "keep", "gate": "attribute", "input_norm": "keys",
              "attribute_width": "map", "linear": False, "region_form": "printed", "patch_form": "printed",
              "momentum": "both", "queued": "unit", "repeats": "append", "queue_per": "value",
              "lost_centres": "forget", "ticks": 1, "pushed": "after the step", "begins": "queues full",
              "centres_from": 2, "terms": "sum", "views": 1, "backgrounds": "value", "value_weight": 0.0,
              "unused_parts": False, "crop": "course", "beta": 0.4},
    "code": {"iteration": "identical", "suppression": "erase", "gate": "image", "input_norm": "inputs",
             "attribute_width": "attention", "linear": True, "region_form": "released", "patch_form": "released",
             "momentum": "none", "queued": "raw", "repeats": "average", "queue_per": "attribute",
             "lost_centres": "keep", "ticks": 3, "pushed": "before the loss", "begins": "centres known",
             "centres_from": 1, "terms": "third", "views": 3, "backgrounds": "attribute", "value_weight": 0.1,
             "unused_parts": True, "crop": "code", "beta": 0.3},
}  # fmt: skip
BRANCHES = {"both": ("region", "patch"), "sp": ("region",), "se": ("patch",)}
MOMENTUM = BRANCHES | {"none": ()}
# Option of IPAD -> its values; see there.
CHOICES: dict[str, Collection] = {
    "branches": BRANCHES, "momentum": MOMENTUM, "queued": ("unit", "raw"),
    "pushed": ("after the step", "before the loss"), "centres_from": (1, 2), "views": (1, 3),
    "backgrounds": BACKGROUNDS,
}  # fmt: skip
OWN = ("patch_form", "momentum", "queued", "pushed", "centres_from", "views", "backgrounds", "value_weight",
       "unused_parts")  # fmt: skip
POSITIONING = ("passes", "ratio", "suppression", "iteration", "gate", "isa", "ica", "end_norm", "input_norm",
               "attribute_width", "linear", "region_form")  # fmt: skip
DIVERGING = ("queue_length", "centre_every", "ticks", "begins", "terms", "queue_per", "repeats", "lost_centres")
# The paper's settings that count steps, for budgets of hundreds of steps instead of hundreds of thousands.
SHORT = {"queue_length": 32, "centre_every": 10, "mu": 0.98}

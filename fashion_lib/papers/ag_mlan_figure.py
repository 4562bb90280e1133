"""AG-MLAN as one drawing: figure 1 of the paper, drawn anew with the shapes of the model's own tensors."""

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.ag_mlan import AGMLAN
from fashion_lib.parts.eval_mode import in_eval_mode
from fashion_lib.show.style import DPI, LETTERS, WIDEST

FEATURE, ATTENTION, ATTRIBUTE, CLASSIFIER, LOSS = "#cfe3f3", "#ffd9a8", "#d4efd4", "#eadcf4", "#eeeeee"
UPPER, MIDDLE, LOWER, BUS = 3.0, 1.3, 0.0, -0.66  # heights: branch 1, branch 2, attribute, and the line below them
STEP = 1.12  # distance between two neighbouring boxes of branch 2


def tensor_shapes(model: AGMLAN, image_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape, without the batch axis, of each tensor that the figure names.

    One blank picture passes through the model. The model's mode and gradients stay as they were.

    Args:
        model: an AG-MLAN with all its parts.
        image_size: side of the picture, in pixels.

    Returns:
        Name of the tensor -> shape; "into NAME" is the input of the module NAME.

    Raises:
        FashionError: if a part of the model was left out.
    """
    parts = {"bring": model.bring, "SA": model.spatial_gate, "branch 1": model.branch1}
    missing = [name for name, part in parts.items() if part is None] + ["mask"] * (model.masks is None)
    if missing:
        raise FashionError(f"this AG-MLAN was built without {', '.join(missing)}: the figure shows the whole model.")
    seen = {"second": model.backbone.layer2, "third": model.backbone.layer3, "brought": model.bring,
            "reduced": model.reduce, "asked": model.spatial.attribute_side, "asked again": model.channel.attribute_side,
            "fourth": model.branch1.stage4, "logits": model.branch1, "channel": model.channel}
    shapes, hooks = {"image": (3, image_size, image_size)}, []

    def record(name: str):
        def hook(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            shapes[name], shapes[f"into {name}"] = tuple(output.shape[1:]), tuple(inputs[0].shape[1:])
        return hook

    try:
        hooks = [module.register_forward_hook(record(name)) for name, module in seen.items()]
        with in_eval_mode(model), torch.no_grad():
            features = model.features(torch.zeros(1, *shapes["image"], device=model.scale.device))
            found = model.attend(features, torch.zeros(1, dtype=torch.int64, device=model.scale.device))
            model.branch1(features.merged)
    finally:
        for hook in hooks:
            hook.remove()
    named = {"merged": features.merged, "map": features.image_map, "keys": features.keys,
             "spatial": found.maps["spatial"], "gated": found.maps["gated"], "mask": found.gates["mask"],
             "embedding": found.embedding}
    return shapes | {name: tuple(tensor.shape[1:]) for name, tensor in named.items()}


def ag_mlan_figure(model: AGMLAN, image_size: int) -> Figure:
    """Draw both branches of `model`: one box per step, with the shape of the step's output below it.

    Equation numbers are the paper's. The step that reduces 2 C channels to A differs between variants, and
    its box moves accordingly.

    Args:
        model: an AG-MLAN with all its parts.
        image_size: side of the pictures, in pixels.

    Returns:
        The closed figure, ready to show or save.

    Raises:
        FashionError: if a part of the model was left out.
    """
    shapes = tensor_shapes(model, image_size)
    boxes = {
        "image": (0, UPPER, "picture", "image", LOSS),
        "second": (1.12, UPPER, "stages\n1 and 2", "second", FEATURE),
        "third": (2.5, UPPER, "stage 3", "third", FEATURE),
        "bring": (2.5, UPPER + 0.95, "max pool,\nconv 1×1", "brought", FEATURE),
        "sum": (3.7, UPPER, "+", "merged", FEATURE),
        "fourth": (5.3, UPPER, "stage 4", "fourth", CLASSIFIER),
        "logits": (6.9, UPPER, "average,\nlinear", "logits", CLASSIFIER),
        "L_c": (8 * STEP, UPPER, "$L_c$\neq. 7", None, LOSS),
        "L_t": (8 * STEP, MIDDLE, "$L_{triplet}$\neq. 8", None, LOSS),
        "L": (8 * STEP, (UPPER + MIDDLE) / 2, "$L$, eq. 9", None, LOSS),
        "attribute": (0, LOWER, f"attribute $a$,\n1 of {len(model.schema)}", None, ATTRIBUTE),
    }
    chain = _second_branch(model, shapes)
    boxes |= {name: (k * STEP, MIDDLE, *box) for k, (name, box) in enumerate(chain.items())}
    asked = {"ASA": ("p", "$p(a)$\neq. 2", "asked"), "ACA": ("q", "$q(a)$\neq. 5", "asked again"),
             "mask": ("m", "$m_a$", "mask")}
    boxes |= {own: (boxes[above][0], LOWER, text, shape, ATTRIBUTE) for above, (own, text, shape) in asked.items()}

    figure, axes = plt.subplots(figsize=(WIDEST, 5.0), dpi=DPI, layout="constrained")
    axes.set(xlim=(-0.62, 8 * STEP + 0.62), ylim=(BUS - 0.12, UPPER + 1.35))
    axes.set_axis_off()
    _panel(axes, 4.4, 7.6, UPPER, CLASSIFIER)
    _panel(axes, -0.5, 7 * STEP + 0.52, MIDDLE, ATTENTION)
    for x, y, title in ((4.4, UPPER, "branch 1, only in training: which attribute is the picture labelled for?"),
                        (1, MIDDLE, "branch 2: the embedding for attribute $a$")):
        axes.text(x, y + 0.49, title, va="bottom", fontsize=LETTERS, style="italic")
    drawn = {name: _box(axes, x, y, text, shapes.get(shape, shape), colour)
             for name, (x, y, text, shape, colour) in boxes.items()}
    names = list(chain)
    for start, end in [("image", "second"), ("second", "third"), ("third", "sum"), ("sum", "fourth"),
                       ("fourth", "logits"), ("logits", "L_c"), *zip(names, names[1:], strict=False),
                       (names[-1], "L_t"), ("L_c", "L"), ("L_t", "L"),
                       *((own, above) for above, (own, _, _) in asked.items())]:
        axes.annotate("", drawn[end].get_position(), drawn[start].get_position(), arrowprops=_arrow(
            patchA=drawn[start].get_bbox_patch(), patchB=drawn[end].get_bbox_patch(), shrinkA=0, shrinkB=1))
    top, rail = UPPER + 0.95, (UPPER + MIDDLE) / 2 + 0.12
    _route(axes, [(1.12, UPPER + 0.27), (1.12, top), (2.1, top)])
    _route(axes, [(2.9, top), (3.7, top), (3.7, UPPER + 0.17)])
    _route(axes, [(2.5, UPPER - 0.16), (2.5, rail + 0.12), (-0.12, rail + 0.12), (-0.12, MIDDLE + 0.16)])
    _route(axes, [(3.7, UPPER - 0.16), (3.7, rail), (0.12, rail), (0.12, MIDDLE + 0.16)])
    for name in "pqm":
        x = boxes[name][0]
        _route(axes, [(0, LOWER - 0.27), (0, BUS), (x, BUS), (x, LOWER - (0.16 if name == "m" else 0.27))])
    plt.close(figure)
    return figure


def _second_branch(model: AGMLAN, shapes: dict[str, tuple]) -> dict[str, tuple]:
    """Return the boxes of branch 2 in order: name -> text, key of its shape, colour.

    The reduction is placed where the variant performs it.
    """
    reduce = {"reduce": ("conv 1×1" if model.reduce_before else "linear", "reduced", FEATURE)}
    kernel = model.spatial_gate.conv.kernel_size[0]
    start = {"concat": ("side by side", "into reduced" if model.reduce_before else "map", FEATURE)}
    attend = {"ASA": ("ASA\neq. 1–3", "spatial", ATTENTION), "SA": (f"SA {kernel}×{kernel}\neq. 4", "gated", ATTENTION),
              "total": ("sum over\npositions", "into channel" if model.reduce_before else "into reduced", FEATURE)}
    end = {"ACA": ("ACA\neq. 5–6", "channel", ATTENTION), "mask": ("mask\nsec. 3.4", "mask", ATTENTION),
           "unit": ("unit\nlength", "embedding", FEATURE)}
    return start | reduce | attend | end if model.reduce_before else start | attend | reduce | end


def _arrow(**more) -> dict:
    return {"arrowstyle": "-|>", "color": "#555555", "linewidth": 1.1, "mutation_scale": 9} | more


def _box(axes, x: float, y: float, text: str, shape: tuple[int, ...] | None, colour: str):
    """Draw a step and the shape of its output: below the box, or at its right in the attribute's row."""
    if shape is not None:
        place = (x + 0.42, y) if colour == ATTRIBUTE else (x, y - 0.37)
        axes.text(*place, " × ".join(map(str, shape)), ha="center", va="center", fontsize=LETTERS, color="#1a4e7a",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}, zorder=4)
    frame = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "#666666", "linewidth": 0.8}
    return axes.text(x, y, text, ha="center", va="center", fontsize=LETTERS, bbox=frame, zorder=3)


def _panel(axes, left: float, right: float, y: float, colour: str) -> None:
    axes.add_patch(FancyBboxPatch((left, y - 0.47), right - left, 0.89, boxstyle="round,pad=0.04", facecolor=colour,
                                  alpha=0.3, edgecolor="none", zorder=0))


def _route(axes, points: list[tuple[float, float]]) -> None:
    """Draw an arrow along corners."""
    axes.plot(*zip(*points[:-1], strict=True), color="#555555", linewidth=1.1, zorder=1, solid_joinstyle="miter")
    axes.annotate("", points[-1], points[-2], arrowprops=_arrow(shrinkA=0, shrinkB=0))

"""Maps that explain an embedding: the attention of its forward pass, and Grad-CAM.

Grad-CAM also serves methods that have no attention.

The two answer different questions. Attention is part of the forward pass: the weights with which positions
entered the embedding. Grad-CAM (Selvaraju et al., ICCV 2017, eqs. 1 and 2) is computed afterwards for a
chosen number, the target. It weighs each channel of the last feature map by the target's mean gradient in it.
The map is the weighted sum of the channels, with negative parts set to 0.

The mean over positions loses the information where an attention-pooled model collected its vector. HiResCAM
(Draelos and Carin, arXiv:2011.08891) multiplies gradient and feature position by position instead. Where
features are average-pooled, the gradient is the same everywhere and the two methods agree.

A classifier has its class score as target. A metric-learning model has no score, only similarities. The
possible targets are:

- The similarity of the embedding with itself: always 1, so its gradient is zero and the map is rounding
  noise.
- Its length before normalisation: has a gradient, but cosine similarity divides the length out, so no ranking
  uses it.
- The similarity to one reference picture: meaningful, but mostly due to what every garment shares. That part
  does not distinguish one value from another.
- The similarity to pictures of its value *minus* the similarity to pictures of other values. The triplet loss
  max(0, margin + s(a, n) - s(a, p)) trains this difference, and ranking compares it.

`value_directions` computes the last one, the course's default. Similarities are dot products of unit vectors,
so the mean over all positives and negatives is one vector.
"""

from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sampling import evenly_spread
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.parts.eval_mode import in_eval_mode
from fashion_lib.tasks.retrieval.embedding import embed_images


def attention(model: RetrievalModel, images: Tensor, attributes: Tensor) -> dict[str, Tensor]:
    """Return the maps that `model.attend` used, in eval mode and without gradients.

    Args:
        model: a retrieval model.
        images: float32 (B, 3, H, W), normalised.
        attributes: int64 (B,), attribute ids.

    Returns:
        Name -> float32 (B, h, w); {} for a method without spatial attention.
    """
    model.check_attributes(attributes, len(images))
    device = _device(model, images)
    with _untouched(model), torch.no_grad():
        return model.attend(model.features(images.to(device)), attributes.to(device)).maps


def value_directions(model: RetrievalModel, data, attribute: int, limit: int | None = 500) -> Tensor:
    """Compute, per value of an attribute, the embedding direction that separates it from the other values.

    It is the mean embedding of the value's training images minus the mean embedding of the other values'
    images. Let v be the direction of a value and f an embedding. Their dot product is the mean of s(f, p)
    minus the mean of s(f, n), over positives p and negatives n.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        attribute: attribute id.
        limit: largest number of training images, evenly spread over the split; None takes all.

    Returns:
        float32 (values, D). The row of a value without any of these images is zero, and so is its Grad-CAM.
    """
    known = data.encoded("train", labels="all").of(attribute)
    keep = evenly_spread(len(known), limit)
    embedded = embed_images(model, data, known.image[keep], [attribute])[attribute]  # (L, D)
    values = torch.from_numpy(known.value[keep])
    directions = torch.zeros(len(data.schema.attributes[attribute].values), embedded.shape[1])
    for value in values.unique().tolist():
        if (values != value).any():
            directions[value] = embedded[values == value].mean(0) - embedded[values != value].mean(0)
    return directions


def grad_cam(
    model: RetrievalModel, images: Tensor, attributes: Tensor, references: Tensor, layer: nn.Module | None = None,
    *, elementwise: bool = False,
) -> Tensor:
    """Compute Grad-CAM of the dot product of each image's embedding with its reference.

    The cells are not rescaled, so that maps of one model can share a colour scale. Between models only their
    shapes compare. A map is zero where nothing increases the similarity to the reference. The computation is
    in float32 and eval mode and leaves hooks, gradients and modes of the model as they were.

    Args:
        model: a retrieval model.
        images: float32 (B, 3, H, W), normalised.
        attributes: int64 (B,), attribute ids.
        references: float (B, D), held constant, such as rows of `value_directions` or other images'
            embeddings.
        layer: the module whose output (B, C, h, w) is weighed. Default: the backbone's last stage.
        elementwise: compute HiResCAM: gradient times feature per position, without the mean over positions.

    Returns:
        float32 (B, h, w), non-negative, on the CPU.

    Raises:
        FashionError: if the model has no such layer, or the references have another shape.
    """
    layer = layer if layer is not None else getattr(getattr(model, "backbone", None), "layer3", None)
    if layer is None:
        raise FashionError(f"{type(model).__name__} has no backbone with a last stage 'layer3' for Grad-CAM to read:"
                           " pass layer=, a module whose output is (B, C, h, w).")
    expected = (len(images), model.embedding_dim)
    if tuple(references.shape) != expected:
        raise FashionError(f"Grad-CAM of {len(images)} images needs references {expected} but got"
                           f" {tuple(references.shape)}: give one embedding an image.")
    device = _device(model, images)
    targets = [_Similarity(reference) for reference in references.detach().to(device, torch.float32)]
    with _untouched(model), torch.enable_grad(), torch.autocast(device.type, enabled=False):
        model.requires_grad_(False)  # no graph below the layer, no parameter gradients to clear
        start = layer.register_forward_hook(lambda module, inputs, output: output.detach().requires_grad_())
        cam = _cells_method(elementwise)(_Embedder(model, attributes.to(device)), [layer])
        try:
            cells = cam(input_tensor=images.to(device), targets=targets)
        finally:
            cam.activations_and_grads.release()
            start.remove()
    return torch.from_numpy(cells)


def _device(model: nn.Module, images: Tensor) -> torch.device:
    return next(model.parameters(), images).device


class _Embedder(nn.Module):
    """The model as grad-cam expects it: images in, embeddings (B, D) out."""

    def __init__(self, model: RetrievalModel, attributes: Tensor):
        super().__init__()
        self.model, self.attributes = model, attributes

    def forward(self, images: Tensor) -> Tensor:
        return self.model.embed(images, self.attributes)


class _Similarity:
    """Target: the dot product of an embedding (D,) with its reference."""

    def __init__(self, reference: Tensor):
        self.reference = reference

    def __call__(self, embedding: Tensor) -> Tensor:
        return embedding @ self.reference


class _Cells:
    """The cells of a map as computed, at the layer's resolution.

    grad-cam itself stretches every map to 0..1 at the picture's size, after which no two maps compare.
    """

    def compute_cam_per_layer(self, input_tensor, targets, eigen_smooth):
        activations, gradients = self.activations_and_grads.activations[0], self.activations_and_grads.gradients[0]
        cells = self.get_cam_image(
            input_tensor, self.target_layers[0], targets, activations.numpy(), gradients.numpy(), eigen_smooth
        )
        return np.maximum(cells, 0)

    def aggregate_multi_layers(self, cam_per_target_layer):
        return cam_per_target_layer


def _cells_method(elementwise: bool) -> type:
    """Return HiResCAM or Grad-CAM at the layer's own resolution; the package is imported here, as only maps need it."""
    from pytorch_grad_cam import GradCAM, HiResCAM

    return type("Cells", (_Cells, HiResCAM if elementwise else GradCAM), {})


@contextmanager
def _untouched(model: nn.Module):
    """Put the model into eval mode; restore the modes, requires_grad and gradients on exit."""
    parameters = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    try:
        with in_eval_mode(model):
            yield
    finally:
        for parameter, required, gradient in parameters:
            parameter.requires_grad_(required)
            parameter.grad = gradient

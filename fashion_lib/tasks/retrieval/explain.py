"""Where does a model look? The attention its forward used, and Grad-CAM for methods that have no attention.

The two answer different questions. Attention is part of the forward pass: the weights with which positions entered
the embedding. Grad-CAM (Selvaraju et al., ICCV 2017, eqs. 1 and 2) is computed afterwards for a number we choose, the
target: channels of the last feature map, weighted by the target's mean gradient in them, summed, negative parts cut.
That mean over positions forgets where an attention-pooled model collected its vector; HiResCAM (Draelos and Carin,
arXiv:2011.08891) multiplies gradient and feature position by position instead. Where features are average-pooled, the
gradient is the same everywhere and the two are one.

Which target? A classifier has its class score; a metric-learning model has no score, only similarities:
- the embedding with itself: always 1, so its gradient is zero and the map is rounding noise;
- its length before normalisation: has a gradient, but cosine similarity divides the length out, so no ranking uses it;
- the similarity to one reference picture: meaningful, but two pictures also resemble each other in what every garment
  shares, and that is most of the similarity and tells no value from another;
- the similarity to pictures of its value *minus* the similarity to pictures of other values: what the triplet loss
  trains, max(0, margin + s(a, n) - s(a, p)), and what ranking compares. `value_directions` makes this one, the course's
  default; similarities are dot products of unit vectors, so the mean over all positives and negatives is one vector.
"""

from contextlib import contextmanager

import numpy as np
import torch
from pytorch_grad_cam import GradCAM, HiResCAM
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.tasks.retrieval.evaluation import embed_images


def attention(model: RetrievalModel, images: Tensor, attributes: Tensor) -> dict[str, Tensor]:
    """The very maps that `model.attend` used: name -> float32 (B, h, w); {} for a method without spatial attention.

    images: float32 (B, 3, H, W), normalised; attributes: int64 (B,). In eval mode and without gradients.
    """
    model.check_attributes(attributes, len(images))
    device = _device(model, images)
    with _untouched(model), torch.no_grad():
        model.eval()
        return model.attend(model.features(images.to(device)), attributes.to(device)).maps


def value_directions(model: RetrievalModel, data, attribute: int, limit: int | None = 500) -> Tensor:
    """For each value of an attribute: mean embedding of its training images minus the mean of the other values' images.

    float32 (values, D). The dot product of an embedding f with row v is the mean of s(f, p) over positives p minus the
    mean of s(f, n) over negatives n. limit: training images, evenly spread over the split (None = all). The row of a
    value that none of them has is zero, and so is its Grad-CAM.
    """
    known = data.encoded("train", labels="all").of(attribute)
    keep = np.arange(len(known))
    if limit is not None and len(known) > limit:
        keep = np.linspace(0, len(known) - 1, limit).round().astype(np.int64)
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
    """Grad-CAM of the dot product of each image's embedding with its reference; float32 (B, h, w), non-negative, CPU.

    images: float32 (B, 3, H, W), normalised; attributes: int64 (B,); references: float (B, D), such as rows of
    `value_directions` or other images' embeddings, held constant. layer: the module whose output (B, C, h, w) is
    weighed (default: the backbone's last stage). The cells come unscaled, so that maps of one model can share a colour
    scale; between models only their shapes compare. A map is zero where nothing speaks for the reference.
    elementwise: HiResCAM, gradient times feature in each position, without the mean over positions.
    Runs in float32 and eval mode and leaves hooks, gradients and modes of the model as they were. Raises FashionError
    for a model without such a layer and for references of another shape.
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
        model.requires_grad_(False)  # no graph below the layer, and no gradients to clear
        start = layer.register_forward_hook(lambda module, inputs, output: output.detach().requires_grad_())
        method = _CellsHiResCAM if elementwise else _CellsGradCAM
        cam = method(_Embedder(model, attributes.to(device)), [layer])
        try:
            cells = cam(input_tensor=images.to(device), targets=targets)
        finally:
            cam.activations_and_grads.release()
            start.remove()
    return torch.from_numpy(cells)


def _device(model: nn.Module, images: Tensor) -> torch.device:
    return next(model.parameters(), images).device


class _Embedder(nn.Module):
    """What grad-cam takes for a model: images in, (B, D) out."""

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
    """grad-cam stretches every map to 0..1 at the picture's size, after which no two maps compare: keep the cells."""

    def compute_cam_per_layer(self, input_tensor, targets, eigen_smooth):
        activations, gradients = self.activations_and_grads.activations[0], self.activations_and_grads.gradients[0]
        cells = self.get_cam_image(
            input_tensor, self.target_layers[0], targets, activations.numpy(), gradients.numpy(), eigen_smooth
        )
        return np.maximum(cells, 0)

    def aggregate_multi_layers(self, cam_per_target_layer):
        return cam_per_target_layer


class _CellsGradCAM(_Cells, GradCAM):
    """Grad-CAM at the layer's own resolution."""


class _CellsHiResCAM(_Cells, HiResCAM):
    """HiResCAM at the layer's own resolution."""


@contextmanager
def _untouched(model: nn.Module):
    """Put train modes, requires_grad and gradients back as they were."""
    modes = [(module, module.training) for module in model.modules()]
    parameters = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, required, gradient in parameters:
            parameter.requires_grad_(required)
            parameter.grad = gradient

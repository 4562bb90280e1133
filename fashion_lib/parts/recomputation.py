"""Gradient checkpointing: a block of a network keeps its input only, and is computed again in the backward pass.

The backward pass needs the activations, the tensors between the layers. Usually all of them stay in memory until then.
With gradient checkpointing those inside a block are dropped after the forward pass. The backward pass computes them
again from the block's input, one block after the other (Chen et al., Training deep nets with sublinear memory cost,
2016). It costs about one more forward pass of the blocks. `torch.utils.checkpoint` does it.

The second computation repeats the first one exactly, so loss, gradients and weights stay the same. Four things could
make it differ:

1. Batch normalisation updates its running statistics and its count of batches in each forward pass. The second
   computation updates copies of the block's buffers, which are dropped afterwards.
2. Dropout draws random numbers. Torch sets its generators back to the first computation's state.
3. Precision and the implementation of attention are settings of torch. Both are set as they were.
4. Several processes may share the batch. The second computation has the whole batch's statistics and dropout masks
   again; all ranks run through the same blocks in the same order.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import nn
from torch.backends import cuda
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.vision_transformer import EncoderBlock
from torchvision.ops import Conv2dNormActivation

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.backbones import Backbone
from fashion_lib.parts.whole_batch import WholeBatch

BLOCKS = (BasicBlock, Bottleneck, InvertedResidual, Conv2dNormActivation, EncoderBlock)
ATTENTION = {  # implementation -> whether torch may choose it now
    SDPBackend.MATH: cuda.math_sdp_enabled,
    SDPBackend.FLASH_ATTENTION: cuda.flash_sdp_enabled,
    SDPBackend.EFFICIENT_ATTENTION: cuda.mem_efficient_sdp_enabled,
    SDPBackend.CUDNN_ATTENTION: cuda.cudnn_sdp_enabled,
}


@contextmanager
def recomputing(model: nn.Module, on: bool = True) -> Iterator[None]:
    """Let forward passes inside this context keep only the inputs of the model's blocks.

    Their backward passes may come after it. The model itself does not change.

    Args:
        model: any model with blocks, see `recomputed_parts`.
        on: False changes nothing.

    Raises:
        FashionError: the model has no block.
    """
    parts = recomputed_parts(model) if on else []
    for module, name in parts:
        setattr(module, name, _recomputed(getattr(module, name), module))
    try:
        yield
    finally:
        for module, name in parts:
            delattr(module, name)  # the class's own method shows again


def recomputed_parts(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """Return the parts of a model that are computed twice, as modules and names of their methods.

    They are the stem of each ResNet and all residual and transformer blocks of torchvision's kinds. Other layers, such
    as the attention of a method, keep their activations. So do networks of timm, which have blocks of their own.

    Raises:
        FashionError: there is none.
    """
    found, inside = [], set()
    for module in model.modules():  # a block comes before its own layers
        if isinstance(module, BLOCKS) and module not in inside:
            inside.update(module.modules())
            found.append((module, "forward"))
        elif isinstance(module, Backbone):
            found.append((module, "stem"))
    if not found:
        raise FashionError(
            f"gradient_checkpointing=True does not fit {type(model).__name__} on this backbone, which has no residual "
            "or transformer blocks: leave it out, or choose a ResNet or mobilenet_v2."
        )
    return found


def _recomputed(function: Callable, module: nn.Module) -> Callable:
    """Return a method of a module that drops its activations and computes them again."""

    def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
        allowed = [one for one, enabled in ATTENTION.items() if enabled()]
        return nullcontext(), _second_time(module, WholeBatch.current, allowed)

    return functools.partial(checkpoint, function, use_reentrant=False, context_fn=contexts)


@contextmanager
def _second_time(
    module: nn.Module, whole_batch: WholeBatch | None, attention: Sequence[SDPBackend]
) -> Iterator[None]:
    """Compute as in the forward pass, on copies of the module's buffers."""
    kept = [
        (layer, name, buffer)
        for layer in module.modules()
        for name, buffer in layer.named_buffers(recurse=False)
    ]
    try:
        for layer, name, buffer in kept:
            setattr(layer, name, buffer.clone())
        with sdpa_kernel(list(attention)), whole_batch or nullcontext():
            yield
    finally:
        for layer, name, buffer in kept:
            setattr(layer, name, buffer)

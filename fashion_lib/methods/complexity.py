"""What a network costs without a clock: its numbers (parameters, buffers) and the operations of one call."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def parameter_count(*modules: nn.Module) -> int:
    """Count the parameters of modules: the numbers that training changes.

    Networks on torch's device "meta" are counted too: they have shapes but no numbers, and so need no memory.

    Args:
        *modules: networks or parts of them. A parameter that two of the modules share is counted once in each.

    Returns:
        The sum over the modules; 0 without a module.
    """
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def buffer_count(*modules: nn.Module) -> int:
    """Count the numbers that modules store beside their parameters, and that no optimiser changes.

    Examples are the running means of a batch normalisation, a momentum encoder and a queue.

    Args:
        *modules: networks or parts of them.

    Returns:
        The sum over the modules; 0 without a module.
    """
    return sum(buffer.numel() for module in modules for buffer in module.buffers())


def operation_count(task: Callable[[], object]) -> int:
    """Count the multiplications and additions of one call, without gradients.

    A multiplication and the addition behind it count as two. Many papers call the pair one: halve the count to
    compare with them. Counted are matrix products, convolutions and attention, as torch.utils.flop_counter does;
    activations, normalisations and pooling are not.

    Args:
        task: the call, such as `lambda: model.embed(images, attributes)`.

    Returns:
        The number of operations.
    """
    # The counter does not know the fused attentions of inference, and would leave out a ViT's self-attention.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            task()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops()

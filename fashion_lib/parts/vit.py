"""torchvision's vision transformer (ViT) without its classifier, in three sizes.

Source: Dosovitskiy et al., ICLR 2021. A ViT cuts an image into square patches. Each patch becomes a token, a
vector of size D, in a grid of h x w patches.
"""

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torchvision.models.vision_transformer import VisionTransformer

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.attention import positions
from fashion_lib.parts.backbones import PRETEXTS, build_backbone
from fashion_lib.parts.start_files import start_digest
from fashion_lib.parts.vit_weights import WEIGHTS, load_patch_start, load_vit_weights

DROPOUT = 0.1  # the authors' code of RPF and IPAD; the small ViTs have none: they do not fit their data too well
# "b16" is the papers' ViT-B/16; "tiny" has the same structure for the course's pictures. "hybrid" is the
# ViT paper's section 3.1: its patches are the positions of a convolutional map, here the small backbone's
# (stride 8). Backbone and transformer have start weights.
B16 = {"image_size": 224, "patch_size": 16, "num_layers": 12, "num_heads": 12, "hidden_dim": 768, "mlp_dim": 3072,
       "dropout": DROPOUT}  # fmt: skip
SIZES = {
    "tiny": {"image_size": 64, "patch_size": 8, "num_layers": 4, "num_heads": 4, "hidden_dim": 128, "mlp_dim": 256},
    "hybrid": {"image_size": 64, "patch_size": 8, "num_layers": 2, "num_heads": 4, "hidden_dim": 128, "mlp_dim": 256},
    "b16": B16,
    "b16_1k": B16,  # with other start weights; see build_vit
}

BESIDE = {"small": "hybrid"}  # backbone -> the patch branch's ViT, where it is not the papers' ViT-B/16


def vit_beside(backbone: str) -> str:
    """Return the name in SIZES of the patch branch's ViT, for a region branch on `backbone`."""
    return BESIDE.get(backbone, "b16")


class PatchTokens(nn.Module):
    """The network from images to patch tokens.

    The class token takes part in attention and is then left out (RPF). Pictures may have another size than
    the ViT was built for. Then the position embeddings are interpolated in two dimensions, as the ViT paper
    does for fine-tuning (section 3.2).

    Args:
        vit: a ViT; its classifier is not used.
        heads: number of attention heads per layer.
        released: True is the ViT of the authors' code of RPF and IPAD: no dropout on the results of attention, and no
            layer normalisation after the last layer. False keeps torchvision's.
    """

    def __init__(self, vit: VisionTransformer, heads: int, released: bool = True):
        super().__init__()
        self.dim, self.heads = vit.hidden_dim, heads
        self.grid = vit.image_size // vit.patch_size
        self.patches, self.class_token, self.encoder = vit.conv_proj, vit.class_token, vit.encoder
        if released:
            self.encoder.ln = nn.Identity()
            for layer in self.encoder.layers:
                layer.dropout = nn.Identity()  # torchvision's own place for it; the MLP has two more

    def forward(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Return the tokens (B, h * w, D) and the grid (h, w), for images (B, 3, H, W)."""
        patches = self.patches(images)  # (B, D, h, w)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), positions(patches)], dim=1)
        tokens = tokens + self.position_embeddings(*patches.shape[2:])
        # Torch's fast attention is up to eight times slower than plain mathematics in bfloat16 on a CPU.
        with sdpa_kernel(SDPBackend.MATH) if images.device.type == "cpu" else nullcontext():
            encoded = self.encoder.ln(self.encoder.layers(self.encoder.dropout(tokens)))
        return encoded[:, 1:], tuple(patches.shape[2:])

    def position_embeddings(self, height: int, width: int) -> Tensor:
        """Return the position embeddings, (1, 1 + height * width, D), of the class token and a grid."""
        whole = self.encoder.pos_embedding
        if (height, width) == (self.grid, self.grid):
            return whole
        square = whole[:, 1:].unflatten(1, (self.grid, self.grid)).permute(0, 3, 1, 2)  # (1, D, grid, grid)
        fitted = F.interpolate(square, size=(height, width), mode="bilinear", align_corners=False)
        return torch.cat([whole[:, :1], positions(fitted)], dim=1)


def build_vit(name: str, start: str = "random", released: bool = True) -> PatchTokens:
    """Build a ViT with its start weights.

    1. "tiny" has no start weights, so all its weights are random.
    2. "hybrid" uses the small backbone before its transformer. At start="pretext" or "reconstruction" both have
       shipped weights of that pretext.
    3. "b16" takes the papers' ImageNet-21k weights at start="imagenet", and "b16_1k" torchvision's ImageNet-1k
       weights. At another start their weights are random. The class token starts at zero and is not loaded, as in the
       authors' code.

    Args:
        name: a key of SIZES.
        start: see `fashion_lib.parts.backbones.build_backbone`.
        released: see PatchTokens. False loads the class token too.

    Raises:
        FashionError: if the name is unknown or the weights do not fit.
    """
    if name not in SIZES:
        raise FashionError(f"Unknown ViT '{name}': choose one of {', '.join(SIZES)}.")
    size = SIZES[name]
    vit = VisionTransformer(**size, num_classes=1)
    if name in WEIGHTS and start == "imagenet":
        load_vit_weights(vit, name, class_token=not released)
    if name == "hybrid":
        backbone = build_backbone("small", start)
        vit.conv_proj = nn.Sequential(backbone, nn.Conv2d(backbone.out_channels, vit.hidden_dim, 1))
        if start in PRETEXTS:
            load_patch_start(vit, start)
    return PatchTokens(vit, size["num_heads"], released)


def vit_start(name: str, start: str) -> str:
    """Return name and digest of the start weights of a ViT's transformer; "" if they are random.

    Args:
        name, start: see `build_vit`.
    """
    if name == "hybrid" and start in PRETEXTS:
        return f"{start}_patch {start_digest('small', f'{start}_patch')}"
    if name not in WEIGHTS or start != "imagenet":
        return ""
    return f"{WEIGHTS[name]} {start_digest(WEIGHTS[name], start)}"

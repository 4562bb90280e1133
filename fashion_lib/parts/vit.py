"""torchvision's vision transformer up to its patch tokens (Dosovitskiy et al., ICLR 2021), in the sizes we need."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.vision_transformer import VisionTransformer

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.attention import positions
from fashion_lib.parts.backbones import build_backbone, imagenet_file, read_weights

DROPOUT = 0.1  # RPF, section 7 of the course's method notes
# "b16" is the papers' ViT-B/16, "tiny" its plan for the course's pictures. "hybrid" is the ViT paper's section 3.1: its
# patches are the positions of a convolutional feature map, here the small backbone's (stride 8), so that it need not
# start from nothing.
SIZES = {
    "tiny": {"image_size": 96, "patch_size": 8, "num_layers": 4, "num_heads": 4, "hidden_dim": 128, "mlp_dim": 256},
    "hybrid": {"image_size": 96, "patch_size": 8, "num_layers": 2, "num_heads": 4, "hidden_dim": 128, "mlp_dim": 256},
    "b16": {"image_size": 224, "patch_size": 16, "num_layers": 12, "num_heads": 12, "hidden_dim": 768, "mlp_dim": 3072},
}

BESIDE = {"small": "hybrid"}  # the ViT of a patch branch beside a backbone, where it is not the papers' ViT-B/16


def vit_beside(backbone: str) -> str:
    """Return the name in SIZES of the ViT that a patch branch has beside a region branch on `backbone`."""
    return BESIDE.get(backbone, "b16")


class PatchTokens(nn.Module):
    """Images (B, 3, H, W) to tokens (B, h * w, D), one a patch; the class token takes part and is then left out (RPF).

    dim: D; heads: attention heads of a layer. Another picture size than the one it was built for gets its position
    embeddings interpolated in two dimensions, as the ViT paper does for fine-tuning (section 3.2).
    """

    def __init__(self, vit: VisionTransformer, heads: int):
        super().__init__()
        self.dim, self.heads = vit.hidden_dim, heads
        self.grid = vit.image_size // vit.patch_size
        self.patches, self.class_token, self.encoder = vit.conv_proj, vit.class_token, vit.encoder

    def forward(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Tokens, and the h and w of the patches' grid."""
        patches = self.patches(images)  # (B, D, h, w)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), positions(patches)], dim=1)
        tokens = tokens + self.position_embeddings(*patches.shape[2:])
        encoded = self.encoder.ln(self.encoder.layers(self.encoder.dropout(tokens)))
        return encoded[:, 1:], tuple(patches.shape[2:])

    def position_embeddings(self, height: int, width: int) -> Tensor:
        """(1, 1 + height * width, D)."""
        whole = self.encoder.pos_embedding
        if (height, width) == (self.grid, self.grid):
            return whole
        square = whole[:, 1:].unflatten(1, (self.grid, self.grid)).permute(0, 3, 1, 2)  # (1, D, grid, grid)
        fitted = F.interpolate(square, size=(height, width), mode="bilinear", align_corners=False)
        return torch.cat([whole[:, :1], positions(fitted)], dim=1)


def build_vit(name: str, start: str = "random") -> PatchTokens:
    """A ViT of SIZES. start: as in build_backbone; "tiny" has no start weights, so it is always drawn at random,
    "hybrid" starts its stages with the small backbone's, "b16" takes torchvision's ImageNet-1k weights at "imagenet"
    (the papers': ImageNet-21k) and is drawn at random otherwise. FashionError for an unknown name and unfit weights.
    """
    if name not in SIZES:
        raise FashionError(f"Unknown ViT '{name}': choose one of {', '.join(SIZES)}.")
    size = SIZES[name]
    vit = VisionTransformer(**size, dropout=DROPOUT, num_classes=1)
    if name == "b16" and start == "imagenet":
        weights = read_weights(imagenet_file("vit_b_16"))
        vit.load_state_dict({key: tensor for key, tensor in weights.items() if key[:5] != "heads"}, strict=False)
    if name == "hybrid":
        backbone = build_backbone("small", start)
        vit.conv_proj = nn.Sequential(backbone, nn.Conv2d(backbone.out_channels, vit.hidden_dim, 1))
    return PatchTokens(vit, size["num_heads"])

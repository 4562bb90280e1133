"""Conditional similarity network (CSN): one embedding, and one mask over its dimensions per attribute.

Source: Veit et al., CVPR 2017. Two codes are public (page 11). ASEN's authors trained CSN again with their backbone
and their loss, on unit vectors and cosine similarity: variant "code". Veit et al.'s own code compares by Euclidean
distance: variant "veit".
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, BatchLabels, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.losses import in_batch_triplet_loss, mean_similarity, triplet_list_loss
from fashion_lib.parts.masks import initial_masks
from fashion_lib.parts.precision import float32_maths

EMBEDDING_NORM, MASK_NORM = 5e-3, 5e-4  # weights of the penalties in Veit et al.'s code


class ConditionalSimilarityNetwork(RetrievalModel):
    """Average pool, linear C -> D, times the attribute's mask, unit length.

    C is the number of the backbone's channels, D the size of an embedding. This is ASEN's re-run of CSN: D = C,
    cosine similarity, no norm penalties.

    Args:
        schema: the attributes.
        backbone: the network that computes the map.
        masks: the start of the masks. "prein" is 1 on the attribute's own block of dimensions and 0.1
            elsewhere. "learned" is drawn from N(0.9, 0.7). "fixed" is 1 on the block, 0 elsewhere, and takes
            no gradient. Learned masks pass a ReLU, fixed ones do not. The course's default is "prein", because it
            is better on validation.
        dim: D; None is C.
        blocks: see `fashion_lib.parts.masks.initial_masks`; both codes have "floor".

    Raises:
        FashionError: if the masks need blocks and D is below the number of attributes.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        masks: str = "prein",
        dim: int | None = None,
        blocks: str = "even",
    ):
        super().__init__(schema, embedding_dim=dim or backbone.out_channels)
        self.backbone = backbone
        self.linear = nn.Linear(backbone.out_channels, self.embedding_dim)
        self.masks = nn.Parameter(
            initial_masks(len(schema), self.embedding_dim, masks, blocks), requires_grad=masks != "fixed"
        )

    def features(self, images: Tensor) -> Tensor:
        """Compute the map (B, C, h, w)."""
        return self.backbone(images).float()  # (B, C, h, w)

    def embedded(self, features: Tensor) -> Tensor:
        """Compute the embedding that no mask has touched, (B, D)."""
        return self.linear(features.mean((2, 3)))

    def mask(self, attributes: Tensor) -> Tensor:
        """Return the mask of each attribute id, (B, D)."""
        mask = self.masks[attributes]
        return mask.relu() if self.masks.requires_grad else mask

    @float32_maths
    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        """Compute the masked embedding (B, D); gates["mask"] is the mask, (B, D)."""
        mask = self.mask(attributes)
        return Attended(F.normalize(self.embedded(features) * mask, dim=1), gates={"mask": mask})


class VeitCSN(ConditionalSimilarityNetwork):
    """CSN as in Veit et al.'s own code: masked embeddings of free length, Euclidean distance, two norm penalties.

    Training and the answers to triplets use the embedding times its mask without normalisation. Ranking needs unit
    vectors in this library: `attend` returns the direction of that product. At the code's size the backbone is
    ResNet-18 on 112 pixels, with D = 64.
    """

    @float32_maths
    def triplet_vectors(self, features: Tensor, attributes: Tensor) -> Tensor:
        """Return the masked embeddings, float32 (B, D), not normalised."""
        return self.embedded(features) * self.mask(attributes)

    def triplet_gap(self, anchor: Tensor, close: Tensor, far: Tensor) -> Tensor:
        """Return d(anchor, far) - d(anchor, close), (T,), with d the Euclidean distance of vectors (T, D)."""
        return F.pairwise_distance(anchor, far) - F.pairwise_distance(anchor, close)

    @float32_maths
    def training_loss(self, features: Any, labels: BatchLabels, margin: float) -> tuple[Tensor, dict[str, float]]:
        """Compute the hinge on distances plus `5e-3 N / sqrt(B) + 5e-4 M / B`, for B triplets.

        N is the mean over the three roles of the norm of the (B, D) unmasked embeddings. M is the mean over the
        roles of the sum of the masks' absolute entries. Without a triplet list, the L examples of the batch are
        one role of B = L rows, and the hinge is that of all valid triplets.

        Args:
            features: what `features` returned for the M images of the batch.
            labels: the batch's labels.
            margin: margin of the hinge; the code's is 0.2.

        Returns:
            The scalar loss and numbers for the log: those of RetrievalModel, and both penalties.
        """
        embedded, mask = self.embedded(self.examples(features, labels)), self.mask(labels.attributes)  # (L, D) each
        vectors = embedded * mask
        roles = torch.arange(len(vectors), device=vectors.device)[None]
        if labels.triplets is None:
            hinge, active = in_batch_triplet_loss(
                vectors, labels.attributes, labels.values, margin, labels.mining, metric="euclidean"
            )
        else:
            hinge, active = triplet_list_loss(vectors, labels.triplets, margin, metric="euclidean")
            roles = labels.triplets.T  # (3, B)
        count = roles.shape[1]
        norm = torch.stack([embedded[rows].norm() for rows in roles]).mean()
        size = torch.stack([mask[rows].abs().sum() for rows in roles]).mean()
        penalties = {"embedding_norm": EMBEDDING_NORM * norm / count**0.5, "mask_norm": MASK_NORM * size / count}
        figures = {name: penalty.item() for name, penalty in penalties.items()}
        figures["similarity"] = mean_similarity(F.normalize(vectors, dim=1), labels.attributes)
        return hinge + sum(penalties.values()), figures | {"active_triplets": active}


# variant -> its class and settings; "prein", "learned" and "fixed" are the course's
VARIANTS = {
    "prein": (ConditionalSimilarityNetwork, {"masks": "prein"}),
    "learned": (ConditionalSimilarityNetwork, {"masks": "learned"}),
    "fixed": (ConditionalSimilarityNetwork, {"masks": "fixed"}),
    "code": (ConditionalSimilarityNetwork, {"masks": "prein", "blocks": "floor"}),
    "veit": (VeitCSN, {"masks": "fixed", "blocks": "floor", "dim": 64}),
}


@method("csn", variants=tuple(VARIANTS), reference="Veit et al., CVPR 2017", order=20)
def build(schema, backbone, start, variant, seed, **options):
    """Build CSN; see build_model for the arguments."""
    network, settings = VARIANTS[variant]
    return network(schema, build_backbone(backbone, start), **(settings | options))

"""Image only: the query's own feature, whatever was asked; the floor of Yao et al. 2026, table 4."""

from torch import Tensor

from fashion_lib.manipulation.interface import DisentangledModel, TupleLabels
from fashion_lib.manipulation.losses import attribute_cross_entropy


class ImageOnly(DisentangledModel):
    """ADDE-M's feature extractor and its classification loss for the whole budget, and no manipulation."""

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}

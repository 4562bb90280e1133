"""Image only: the query's own feature, whatever was asked; the floor of Yao et al. 2026, table 4."""

from torch import Tensor

from fashion_lib.methods.manipulation_base import DisentangledModel, TupleLabels
from fashion_lib.methods.registry import method
from fashion_lib.parts.label_losses import attribute_cross_entropy


class ImageOnly(DisentangledModel):
    """ADDE-M's feature extractor and its classification loss for the whole budget, and no manipulation."""

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}


@method("image_only", task="manipulation", reference="the query as it is; Yao et al. 2026, table 4", order=0)
def build(schema, backbone, start, variant, seed, **options):
    return ImageOnly(schema, backbone, start, **options)

"""Image only: the query's own feature, whatever the operation; the lower bound of Yao et al. 2026, table 4.
"""

from torch import Tensor

from fashion_lib.methods.manipulation_base import DisentangledModel, TupleLabels
from fashion_lib.methods.registry import method
from fashion_lib.parts.label_losses import attribute_cross_entropy


class ImageOnly(DisentangledModel):
    """The disentangled features without attention and without manipulation.

    The classification loss is the only loss, for the whole budget of steps. The paper does not describe the
    extractor of its row "Image only"; this one is inferred.
    """

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the classification loss."""
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}


@method("image_only", task="manipulation", reference="the query as it is; Yao et al. 2026, table 4", order=0)
def build(schema, backbone, start, variant, seed, **options):
    """Build ImageOnly; see build_model for the arguments."""
    return ImageOnly(schema, backbone, start, **options)

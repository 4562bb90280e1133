"""Image only: the query's own feature, whatever the operation; the lower bound of Yao et al. 2026, table 4.
"""

from fashion_lib.methods.manipulation_base import DisentangledModel
from fashion_lib.methods.registry import method


class ImageOnly(DisentangledModel):
    """The disentangled features without attention and without manipulation.

    The classification loss is the only loss, for the whole budget of steps. The paper does not describe the
    extractor of its row "Image only"; this one is inferred.
    """


@method("image_only", task="manipulation", reference="the query as it is; Yao et al. 2026, table 4", order=0)
def build(schema, backbone, start, variant, seed, **options):
    """Build ImageOnly; see build_model for the arguments."""
    return ImageOnly(schema, backbone, start, **options)

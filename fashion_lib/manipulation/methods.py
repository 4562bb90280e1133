"""The registry of manipulation methods, in the form of fashion_lib.models.METHODS."""

from fashion_lib.attributes import Schema
from fashion_lib.manipulation.adde_m import AddeM
from fashion_lib.manipulation.amnet import AMNet
from fashion_lib.manipulation.image_only import ImageOnly
from fashion_lib.manipulation.interface import ManipulationModel
from fashion_lib.manipulation.yao2026 import Yao2026
from fashion_lib.models import Method, build_model


def _builder(kind):
    def build(schema, backbone, start, variant, seed, **options):
        return kind(schema, backbone, start, **options)

    return build


MANIPULATION_METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("image_only", _builder(ImageOnly), ("default",), "the query as it is; Yao et al. 2026, table 4"),
        Method("amnet", _builder(AMNet), ("default",), "Zhao et al., CVPR 2017"),
        Method("adde_m", _builder(AddeM), ("default",), "Hou et al., ICCV 2021"),
        Method("yao2026", _builder(Yao2026), ("default",), "Yao, Zhu and Wan, 2026"),
    )
}


def build_manipulation_model(method: str, schema: Schema, **settings) -> ManipulationModel:
    """A model of MANIPULATION_METHODS; settings (backbone, variant, start, seed, ...): see build_model."""
    return build_model(method, schema, registry=MANIPULATION_METHODS, **settings)

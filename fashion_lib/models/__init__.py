"""The registry of methods: one name, one builder, its variants and where it comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from fashion_lib.attributes import Schema
from fashion_lib.errors import FashionError
from fashion_lib.models.ag_mlan import AGMLAN
from fashion_lib.models.asen import ASEN
from fashion_lib.models.asen_pp import ASENPlusPlus
from fashion_lib.models.attnfashion import AttnFashion
from fashion_lib.models.backbones import BACKBONES, build_backbone, build_stage4
from fashion_lib.models.csn import ConditionalSimilarityNetwork
from fashion_lib.models.haen import HAEN
from fashion_lib.models.interface import Attended, BatchLabels, RetrievalModel
from fashion_lib.models.ipad import IPAD, SHORT
from fashion_lib.models.isln import ISLN
from fashion_lib.models.random_embedding import RandomEmbedding
from fashion_lib.models.rpf import RPF
from fashion_lib.models.triplet import TripletNetwork
from fashion_lib.models.vit import build_vit

__all__ = ["BACKBONES", "METHODS", "Attended", "BatchLabels", "Method", "RetrievalModel", "build_model"]


@dataclass(frozen=True)
class Method:
    """build(schema, backbone, start, variant, seed, **options) -> RetrievalModel; variants[0] is the default."""

    name: str
    build: Callable[..., RetrievalModel]
    variants: tuple[str, ...]
    reference: str
    trainable: bool = True


def _random(schema, backbone, start, variant, seed, **options):
    return RandomEmbedding(schema, seed=seed, **options)


def _triplet(schema, backbone, start, variant, seed, **options):
    return TripletNetwork(schema, build_backbone(backbone, start), **options)


def _csn(schema, backbone, start, variant, seed, **options):
    return ConditionalSimilarityNetwork(schema, build_backbone(backbone, start), masks=variant, **options)


def _asen(schema, backbone, start, variant, seed, **options):
    return ASEN(schema, build_backbone(backbone, start), version=int(variant.removeprefix("v")), **options)


def _attnfashion(schema, backbone, start, variant, seed, **options):
    return AttnFashion(schema, build_backbone(backbone, start), **options)


def _haen(schema, backbone, start, variant, seed, **options):
    return HAEN(schema, build_backbone(backbone, start), **options)


def _isln(schema, backbone, start, variant, seed, **options):
    return ISLN(schema, build_backbone(backbone, start), **options)


def _ag_mlan(schema, backbone, start, variant, seed, **options):
    return AGMLAN(schema, build_backbone(backbone, start), build_stage4(backbone, start), variant, **options)


def _asen_pp(schema, backbone, start, variant, seed, **options):
    return ASENPlusPlus(schema, build_backbone(backbone, start), build_backbone(backbone, start), **options)


def _rpf(schema, backbone, start, variant, seed, vit="", **options):
    tokens = build_vit(vit or VIT_OF.get(backbone, "b16"), start)
    return RPF(schema, build_backbone(backbone, start), tokens, variant, **options)


def _ipad(schema, backbone, start, variant, seed, vit="", **options):
    tokens = build_vit(vit or VIT_OF.get(backbone, "b16"), start)
    counted = SHORT | options if backbone == "small" else options
    return IPAD(schema, build_backbone(backbone, start), tokens, variant, **counted)


VIT_OF = {"small": "hybrid"}  # the ViT of the patch branch, where it is not the papers' ViT-B/16

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("random", _random, ("default",), "random unit vectors", trainable=False),
        Method("triplet", _triplet, ("default",), "one triplet space, as in Ma et al., AAAI 2020, table 1"),
        Method("csn", _csn, ("prein", "learned", "fixed"), "Veit et al., CVPR 2017"),
        Method("asen", _asen, ("v2", "v1"), "Ma et al., AAAI 2020"),
        Method("attnfashion", _attnfashion, ("default",), "Wan et al., JETAI 2022"),
        Method("haen", _haen, ("default",), "Yan et al., 2021"),
        Method("isln", _isln, ("default",), "Yan et al., ICME 2022"),
        Method("asen_pp", _asen_pp, ("default",), "Dong et al., TIP 2021"),
        Method("rpf", _rpf, ("paper", "code"), "Dong et al., SIGIR 2023"),
        Method("ipad", _ipad, ("paper", "code"), "Wan et al., 2025"),
        Method("ag_mlan", _ag_mlan, ("paper", "code"), "Xiao and Yamasaki (AG-MLAN, later AG-MAN)"),
    )
}


def build_model(
    method: str,
    schema: Schema,
    *,
    backbone: str = "small",
    variant: str | None = None,
    start: str = "pretext",
    seed: int = 0,
    registry: Mapping[str, Method] | None = None,
    **options,
) -> RetrievalModel:
    """A model of METHODS (or of another registry) for the attributes of `schema`, its new layers drawn from `seed`.

    backbone, start: see build_backbone. variant: one of the method's (None: its default). options: the constructor's
    switches, such as spatial and channel of asen. Leaves torch's own random state as it was. Raises FashionError for
    an unknown method, variant or option, and for start weights that are missing or do not fit.
    """
    registry = METHODS if registry is None else registry
    if method not in registry:
        raise FashionError(f"Unknown method '{method}': choose one of {', '.join(registry)}.")
    entry = registry[method]
    variant = variant or entry.variants[0]
    if variant not in entry.variants:
        raise FashionError(
            f"Method '{method}' has no variant '{variant}': choose one of {', '.join(entry.variants)}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = entry.build(schema, backbone, start, variant, seed, **options)
        except TypeError as error:
            raise FashionError(
                f"Method '{method}' does not take the options {options} ({error}): leave them out."
            ) from error
    model.architecture = {"method": method, "variant": variant, "backbone": backbone, "options": options}
    model.start = start
    return model

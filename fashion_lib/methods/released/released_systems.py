"""Which of our methods and variants has released checkpoints, and the table of their names."""

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.methods.registry import METHODS
from fashion_lib.methods.released.adde_names import ADDE_M
from fashion_lib.methods.released.ag_mlan_names import AG_MAN
from fashion_lib.methods.released.asen_names import ASEN_V1, ASEN_V2
from fashion_lib.methods.released.asen_pp_names import ASEN_PP
from fashion_lib.methods.released.csn_names import CSN
from fashion_lib.methods.released.ipad_names import IPAD
from fashion_lib.methods.released.name_table import NameTable
from fashion_lib.methods.released.rpf_names import RPF
from fashion_lib.methods.two_branch import BETA_OF_DATA_SET

# method -> variant -> table. Only what computes as the authors' code does has one.
RELEASED: dict[str, dict[str, NameTable]] = {
    "csn": {"prein": CSN, "learned": CSN, "fixed": CSN, "code": CSN},
    "asen": {"v2": ASEN_V2, "v1": ASEN_V1},
    "ag_mlan": {"code": AG_MAN},
    "asen_pp": {"code": ASEN_PP},
    "rpf": {"code": RPF},
    "ipad": {"code": IPAD},
    "adde_m": {"code": ADDE_M},
}
TABLES = list({table.system: table for tables in RELEASED.values() for table in tables.values()}.values())


def tables_of(method: str) -> dict[str, NameTable]:
    """Return variant -> table of a method.

    Raises:
        FashionError: the method is not known, or its authors released no code with checkpoints.
    """
    METHODS.known(method)
    if method not in RELEASED:
        raise FashionError(f"the authors of {method} released no checkpoints: choose one of {', '.join(RELEASED)}.")
    return RELEASED[method]


def table_of(method: str, variant: str) -> NameTable:
    """Return the table of a method's variant.

    Raises:
        FashionError: as `tables_of`, and for a variant without such checkpoints.
    """
    tables = tables_of(method)
    if variant not in tables:
        raise FashionError(
            f"the variant {variant!r} of {method} has no checkpoints of its authors here: "
            f"{suggestion(variant, tuple(tables))}"
        )
    return tables[variant]


def likely_variant(method: str, names: list[str]) -> str:
    """Return the variant of a method whose table knows the most of an authors' file's names."""
    tables = tables_of(method)
    return max(tables, key=lambda variant: sum(map(tables[variant].knows, names)))  # the first of equals


def paper_backbone(method: str, names: list[str]) -> str:
    """Return the backbone of the authors' region branch; ADDE-M has two, which the names of its file tell apart."""
    if method != "adde_m":
        return "resnet50"
    return "alexnet" if any(name.startswith("backbone.features.") for name in names) else "resnet18"


def released_options(method: str, dataset: str) -> dict[str, object]:
    """Return the options that the authors' configurations set per data set, because no file holds them; else {}."""
    given = method in ("rpf", "ipad") and dataset in BETA_OF_DATA_SET
    return {"beta": BETA_OF_DATA_SET[dataset]} if given else {}

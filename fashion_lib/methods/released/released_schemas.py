"""The attributes of the data sets that released checkpoints were trained on, in the order of the authors' lists.

A released network numbers attributes by this order. Where the lists name no values, values are their numbers.
"""

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.published_schemas import ADDE_DEEPFASHION, DARN, DEEPFASHION, FASHIONAI

SCHEMAS: dict[str, Schema] = {
    "fashionai": FASHIONAI,
    "darn": DARN,
    "deepfashion": DEEPFASHION,
    "deepfashion_adde": ADDE_DEEPFASHION,
}


def check_order(schema: Schema, dataset: str) -> None:
    """Check that a schema numbers its attributes as the released networks of a data set do.

    Nothing is checked for a data set that is not in SCHEMAS.

    Raises:
        FashionError: the names or their order differ.
    """
    if dataset not in SCHEMAS:
        return
    wanted, found = SCHEMAS[dataset].names, schema.names
    if [_bare(name) for name in found] != [_bare(name) for name in wanted]:
        raise FashionError(
            f"the attributes of the data are {', '.join(found)}, but a network that was trained on {dataset} numbers "
            f"{', '.join(wanted)}: write the schema in this order."
        )


def _bare(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())

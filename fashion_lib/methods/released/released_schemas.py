"""The attributes of the data sets that released checkpoints were trained on, in the order of the authors' lists.

A released network numbers attributes by this order. Where the lists name no values, values are their numbers.
"""

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema

# FashionAI's values have names in an early version of ASEN's lists; the released ones hold numbers only.
FASHIONAI = {
    "skirt_length": "Invisible; Short Length; Knee Length; Midi Length; Ankle Length; Floor Length",
    "sleeve_length": "Invisible; Sleeveless; Cup Sleeves; Short Sleeves; Elbow Sleeves; 3/4 Sleeves; Wrist Length; "
    "Long Sleeves; Extra Long Sleeves",
    "coat_length": "Invisible; High Waist Length; Regular Length; Long Length; Micro Length; Knee Length; Midi Length; "
    "Ankle&Floor Length",
    "pant_length": "Invisible; Short Pant; Mid Length; 3/4 Length; Cropped Pant; Full Length",
    "collar_design": "Invisible; Shirt Collar; Peter Pan; Puritan Collar; Rib Collar",
    "lapel_design": "Invisible; Notched; Collarless; Shawl Collar; Plus Size Shawl",
    "neckline_design": "Invisible; Strapless Neck; Deep V Neckline; Straight Neck; V Neck; Square Neckline; "
    "Off Shoulder; Round Neckline; Sweat Heart Neck; OneShoulder Neckline",
    "neck_design": "Invisible; Turtle Neck; Ruffle Semi-High Collar; Low Turtle Neck; Draped Collar",
}
DARN = {
    "clothes category": 20,
    "clothes button": 13,
    "clothes color": 55,
    "clothes length": 7,
    "clothes pattern": 28,
    "clothes shape": 11,
    "collar shape": 26,
    "sleeve length": 8,
    "sleeve shape": 17,
}
DEEPFASHION = {
    "texture-related": 156,
    "fabric-related": 218,
    "shape-related": 180,
    "part-related": 216,
    "style-related": 230,
}
# ADDE's split of DeepFashion. That its three sizes stand in this order is inferred from the sizes.
ADDE_DEEPFASHION = {"category": 37, "texture": 81, "shape": 84}


def _numbered(sizes: dict[str, int]) -> Schema:
    return Schema(tuple(Attribute(name, tuple(map(str, range(count)))) for name, count in sizes.items()))


SCHEMAS: dict[str, Schema] = {
    "fashionai": Schema(
        tuple(Attribute(name, tuple(values.split("; ")), kind=name.split("_")[1]) for name, values in FASHIONAI.items())
    ),
    "darn": _numbered(DARN),
    "deepfashion": _numbered(DEEPFASHION),
    "deepfashion_adde": _numbered(ADDE_DEEPFASHION),
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

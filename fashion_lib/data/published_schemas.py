"""The attributes of the published data sets, in the order of the authors' lists, with the values' names where known.

Position is id: a released list and a released network number attributes and values by this order.
"""

from fashion_lib.core.schema import Attribute, Schema

# FashionAI's values have names in an early version of ASEN's lists; the released ones hold numbers only.
_FASHIONAI = {
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
# No released file names DARN's values, so they are shown by their numbers.
_DARN = {
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
# The benchmark's list_attr_cloth.txt names the values; without that file they are shown by their numbers.
_DEEPFASHION = {
    "texture-related": 156,
    "fabric-related": 218,
    "shape-related": 180,
    "part-related": 216,
    "style-related": 230,
}
# ADDE's split of DeepFashion. That its three sizes stand in this order is inferred from the sizes.
_ADDE_DEEPFASHION = {"category": 37, "texture": 81, "shape": 84}
_ADDE_SHOPPING100K = dict(zip(map("attribute {}".format, range(1, 13)), (16, 17, 19, 14, 10, 15, 2, 11, 16, 7, 9, 15),
                              strict=True))  # fmt: skip
_GLOBAL = ("clothes category", "clothes color", "clothes pattern", "clothes shape", "texture-related", "fabric-related",
           "shape-related", "style-related", "category", "texture", "shape")  # fmt: skip


def numbered(sizes: dict[str, int]) -> Schema:
    """Return a schema whose values are named by their ids: "0", "1", ...

    Args:
        sizes: attribute -> number of its values.
    """
    return Schema(
        tuple(
            Attribute(name, tuple(map(str, range(count))), "global" if name in _GLOBAL else "local")
            for name, count in sizes.items()
        )
    )


FASHIONAI = Schema(
    tuple(
        Attribute(name, tuple(values.split("; ")), kind=name.split("_")[1])
        for name, values in _FASHIONAI.items()
    )
)
DARN, DEEPFASHION = numbered(_DARN), numbered(_DEEPFASHION)
ADDE_DEEPFASHION, ADDE_SHOPPING100K = numbered(_ADDE_DEEPFASHION), numbered(_ADDE_SHOPPING100K)

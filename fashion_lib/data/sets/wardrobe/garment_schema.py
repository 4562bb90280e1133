"""The drawn world's attributes and their values; where each length ends; what each part of a picture is.

The first eight attributes are FashionAI's, with its values and its order of values. "invisible" comes first:
the garment is there, but the place is cut off by the frame or covered. The others feed the label tables that
follow DARN and DeepFashion (`world_labels`).
"""

from fashion_lib.core.schema import Attribute, Schema

INVISIBLE = "invisible"


def _local(name: str, kind: str, values: str) -> Attribute:
    return Attribute(name, tuple(values.split()), "local", kind)


def _global(name: str, values: str) -> Attribute:
    return Attribute(name, tuple(values.split()), "global", "appearance")


SCHEMA = Schema(
    (
        _local("skirt_length", "length", "invisible short knee midi ankle floor"),
        _local(
            "sleeve_length",
            "length",
            "invisible sleeveless cup short elbow three_quarter wrist long extra_long",
        ),
        _local("coat_length", "length", "invisible high_waist regular long micro knee midi ankle_floor"),
        _local("pant_length", "length", "invisible short mid three_quarter cropped full"),
        _local("collar_design", "design", "invisible shirt peter_pan puritan rib"),
        _local("lapel_design", "design", "invisible notched collarless shawl plus_size_shawl"),
        _local(
            "neckline_design",
            "design",
            "invisible strapless deep_v straight v square off_shoulder round sweetheart one_shoulder",
        ),
        _local("neck_design", "design", "invisible turtle ruffle_semi_high low_turtle draped"),
    )
)
WORLD = Schema(
    (
        *SCHEMA,
        _global("category", "tee shirt sweater hoodie cardigan coat dress jumpsuit skirt pants dungarees"),
        _global(
            "colour",
            "red orange yellow olive green teal sky blue navy purple pink burgundy brown beige grey black white",
        ),
        _global(
            "pattern",
            "solid horizontal vertical diagonal dotted plaid checked floral chevron argyle camouflage block",
        ),
        _global("finish", "plain satin knit denim tweed quilted"),
        _global("shape", "slim straight wide flared balloon mermaid tiered bell"),
        _local("button", "design", "none three row double zip toggle"),
        _local("sleeve_shape", "design", "straight puff bell bishop batwing"),
        _local("part", "design", "plain chest_pocket hip_pockets belt bow frill"),
    )
)

# FashionAI's test queries per attribute, in the order of SCHEMA: how often each is the labelled one.
ATTRIBUTE_SHARE = (422, 623, 535, 422, 341, 289, 703, 265)
# FashionAI's images per value. The one rare value, 446 images without a visible sleeve, is raised to 1,600.
VALUE_SHARE = {
    "skirt_length": (3099, 4459, 3420, 3774, 3281, 3745),
    "sleeve_length": (1600, 3371, 3806, 4314, 3648, 3953, 3424, 4121, 3501),
    "coat_length": (1844, 3046, 3438, 3094, 3349, 4380, 2974, 3649),
    "pant_length": (3686, 4566, 3456, 3848, 2842, 3065),
    "collar_design": (5602, 3883, 2640, 1971, 3356),
    "lapel_design": (2993, 3984, 3825, 1784, 3324),
    "neckline_design": (5716, 3004, 2922, 1950, 4067, 2918, 3805, 3815, 2980, 2347),
    "neck_design": (3032, 2513, 2627, 3467, 2211),
}

# Where a garment ends, (lowest, highest), in body units: y = 0 at the top of the head, 8 at the soles.
SKIRT_END = {
    "short": (4.4, 4.9),
    "knee": (5.3, 5.75),
    "midi": (6.1, 6.55),
    "ankle": (6.9, 7.3),
    "floor": (7.7, 8.0),
}
COAT_END = {
    "high_waist": (2.7, 2.95),
    "regular": (3.35, 3.65),
    "long": (4.05, 4.35),
    "micro": (4.75, 5.05),
    "knee": (5.45, 5.75),
    "midi": (6.15, 6.5),
    "ankle_floor": (7.0, 7.7),
}
PANT_END = {
    "short": (4.4, 4.85),
    "mid": (5.3, 5.7),
    "three_quarter": (6.1, 6.45),
    "cropped": (6.85, 7.1),
    "full": (7.45, 7.7),
}
# ... and a sleeve, as a fraction of the arm from shoulder to wrist. An extra-long sleeve covers the hand.
SLEEVE_END = {
    "sleeveless": (0.0, 0.0),
    "cup": (0.08, 0.11),
    "short": (0.21, 0.28),
    "elbow": (0.39, 0.46),
    "three_quarter": (0.58, 0.66),
    "wrist": (0.79, 0.85),
    "long": (0.96, 1.0),
    "extra_long": (1.12, 1.17),
}

PARTS = ("background", "skin", "hair", "torso", "sleeve", "lower", "detail", "accessory")

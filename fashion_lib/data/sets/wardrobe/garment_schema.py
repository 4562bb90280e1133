"""What the drawn wardrobe can label: attributes, their values, and which garment carries which.

Names follow FashionAI (lengths and designs) and DeepFashion (pattern). Lengths are bins with gaps between
them. The width of the gap sets the difficulty, because two lengths that touch cannot be distinguished.
"""

from fashion_lib.core.schema import Attribute, Schema

SCHEMA = Schema(
    (
        Attribute("skirt_length", ("short", "knee", "midi", "floor"), "local", "length"),
        Attribute(
            "sleeve_length", ("sleeveless", "short", "three_quarter", "long"), "local", "length"
        ),
        Attribute("coat_length", ("high_waist", "regular", "long", "knee"), "local", "length"),
        Attribute("pant_length", ("short", "mid", "three_quarter", "full"), "local", "length"),
        Attribute("collar_design", ("shirt", "peter_pan", "puritan", "rib"), "local", "design"),
        Attribute("lapel_design", ("collarless", "notched", "peaked", "shawl"), "local", "design"),
        Attribute(
            "neckline_design",
            ("round", "v", "square", "straight", "off_shoulder", "one_shoulder"),
            "local",
            "design",
        ),
        Attribute("neck_design", ("turtle", "low_turtle", "ruffle", "draped"), "local", "design"),
        Attribute("pattern", ("solid", "striped", "dotted", "plaid", "floral"), "global", "appearance"),
        Attribute(
            "colour", ("red", "yellow", "green", "blue", "purple", "black", "white"), "global", "appearance"
        ),
        Attribute("silhouette", ("slim", "straight", "flared", "balloon"), "global", "appearance"),
    )
)

# Where a garment ends, (lowest, highest), in body units: y = 0 at the top of the head, 8 at the soles.
SKIRT_END = {"short": (4.65, 4.95), "knee": (5.5, 5.8), "midi": (6.35, 6.65), "floor": (7.3, 7.65)}
COAT_END = {"high_waist": (2.95, 3.15), "regular": (3.85, 4.05), "long": (4.8, 5.0), "knee": (5.75, 5.95)}
PANT_END = {"short": (4.75, 5.05), "mid": (5.6, 5.9), "three_quarter": (6.5, 6.75), "full": (7.4, 7.65)}
# ... and a sleeve, as a fraction of the arm from shoulder to wrist.
SLEEVE_END = {
    "sleeveless": (0.0, 0.0),
    "short": (0.27, 0.36),
    "three_quarter": (0.61, 0.7),
    "long": (0.95, 1.02),
}

GARMENTS = ("top", "dress", "coat", "skirt", "pants")
GARMENT_SHARE = (0.38, 0.16, 0.24, 0.11, 0.11)
CLOSE_UP_SHARE = {"top": 0.5, "coat": 0.5}
NECK_ATTRIBUTES = ("neckline_design", "collar_design", "neck_design")

# (garment, close-up) -> its visible attributes. Only what can be recognised at 96 pixels is labelled.
# Close-ups cut the lengths off. In the wider frames a lapel is a few pixels, and so are a dress's neck and
# sleeves and the pattern on a trouser leg.
CARRIED = {
    ("top", True): (*NECK_ATTRIBUTES, "pattern", "colour"),
    ("top", False): (*NECK_ATTRIBUTES, "sleeve_length", "pattern", "colour"),
    ("dress", False): ("skirt_length", "silhouette", "pattern", "colour"),
    ("coat", True): ("lapel_design", "pattern", "colour"),
    ("coat", False): ("coat_length", "sleeve_length", "pattern", "colour"),
    ("skirt", False): ("skirt_length", "silhouette", "pattern", "colour"),
    ("pants", False): ("pant_length", "colour"),
}

PARTS = ("background", "skin", "hair", "torso", "sleeve", "lower", "detail", "accessory")

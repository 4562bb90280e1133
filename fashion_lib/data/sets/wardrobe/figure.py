"""The posed figure that wears the garments: arms and legs as polylines, skin, head, hair and occluders."""

import math
from dataclasses import dataclass

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import shade
from fashion_lib.data.sets.wardrobe.geometry import Point, box, ellipse, limb, mirrored
from fashion_lib.data.sets.wardrobe.streams import Stream

SKINS = ((244, 214, 190), (228, 186, 152), (198, 148, 112), (150, 102, 72), (104, 70, 50))
HAIRS = ((30, 24, 22), (70, 44, 28), (120, 80, 40), (192, 152, 84), (112, 112, 118), (150, 60, 30))
ARM_WIDTHS = [0.2, 0.17, 0.12]


@dataclass(frozen=True)
class Figure:
    """One person in one pose. Arms run shoulder-elbow-wrist, legs hip-knee-ankle, right side first."""

    arms: tuple[list[Point], list[Point]]
    legs: tuple[list[Point], list[Point]]
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    shoe: tuple[float, float, float]
    hair_length: float
    hair_in_front: bool
    bag: tuple | None


def pose(stream: Stream) -> Figure:
    """Draw the pose and the colours of one figure from a random stream."""
    arms = []
    for side in (1, -1):
        raised = stream.chance(0.3)
        swing = math.radians(stream.uniform(22, 50) if raised else stream.uniform(5, 22))
        bend = math.radians(stream.uniform(-65, -15) if stream.chance(0.25) else stream.uniform(-8, 28))
        shoulder = (side * 0.84, 1.72)
        elbow = (shoulder[0] + side * 1.25 * math.sin(swing), shoulder[1] + 1.25 * math.cos(swing))
        turned = swing + bend
        arms.append(
            [shoulder, elbow, (elbow[0] + side * 1.2 * math.sin(turned), elbow[1] + 1.2 * math.cos(turned))]
        )
    legs = []
    for side in (1, -1):
        spread = stream.uniform(0.0, 0.3)
        legs.append([(side * 0.36, 4.0), (side * (0.38 + spread / 2), 5.8), (side * (0.38 + spread), 7.65)])
    skin = stream.jitter(stream.choice(SKINS), 10)
    hair = stream.jitter(stream.choice(HAIRS), 12)
    shoe = stream.colour(10, 200)
    long_hair, length = stream.chance(0.5), stream.uniform(1.3, 2.0)
    in_front, has_bag = stream.chance(0.25), stream.chance(0.18)
    bag = (stream.sign(), stream.colour(20, 230))
    return Figure(
        tuple(arms),
        tuple(legs),
        skin,
        hair,
        shoe,
        length if long_hair else 0.0,
        in_front,
        bag if has_bag else None,
    )


def draw_behind(canvas: Canvas, figure: Figure) -> None:
    """Draw what garments cover: long hair at the back, legs, shoes, the bare torso and neck."""
    if figure.hair_length:
        back = mirrored(
            [(0.0, 0.02), (0.42, 0.18), (0.56, 0.6), (0.58, figure.hair_length), (0.0, figure.hair_length)]
        )
        canvas.fill(back, figure.hair, "hair")
    for leg in figure.legs:
        canvas.fill(limb(leg, [0.34, 0.2, 0.11]), figure.skin, "skin", shade(figure.skin, 0.8))
        x, y = leg[-1]
        canvas.fill(ellipse(x, y + 0.15, 0.2, 0.17, corners=10), figure.shoe, "accessory")
    trunk = mirrored([(0.2, 1.3), (0.86, 1.56), (0.7, 2.3), (0.56, 3.0), (0.7, 4.1)])
    canvas.fill(trunk, figure.skin, "skin", shade(figure.skin, 0.8))


def draw_arm(canvas: Canvas, figure: Figure, arm: list[Point]) -> None:
    """Draw one bare arm with its hand."""
    canvas.fill(limb(arm, ARM_WIDTHS), figure.skin, "skin", shade(figure.skin, 0.8))
    x, y = arm[-1]
    canvas.fill(ellipse(x, y + 0.07, 0.14, 0.18, corners=9), figure.skin, "skin")


def draw_neck(canvas: Canvas, figure: Figure) -> None:
    """Draw the bare neck."""
    canvas.fill(box(-0.21, 0.9, 0.21, 1.42), shade(figure.skin, 0.86), "skin")


def draw_head(canvas: Canvas, figure: Figure) -> None:
    """Draw the head with its hair."""
    canvas.fill(ellipse(0, 0.55, 0.38, 0.5), figure.skin, "skin", shade(figure.skin, 0.8))
    fringe = ellipse(0, 0.45, 0.44, 0.45, math.pi, 2 * math.pi) + [(0.38, 0.52), (0.1, 0.24), (-0.38, 0.5)]
    canvas.fill(fringe, figure.hair, "hair")


def draw_in_front(canvas: Canvas, figure: Figure) -> None:
    """Draw the occluders: strands of hair over the collar, and the strap of a bag across the chest."""
    if figure.hair_length and figure.hair_in_front:
        for side in (1, -1):
            strand = [(side * 0.4, 0.5), (side * 0.52, 1.2), (side * 0.58, figure.hair_length + 0.15)]
            canvas.fill(limb(strand, [0.08, 0.1, 0.05]), figure.hair, "hair")
    if figure.bag:
        side, colour = figure.bag
        canvas.fill(limb([(side * 0.62, 1.5), (-side * 0.95, 3.9)], [0.05, 0.05]), colour, "accessory")
        pouch = [(x - side, y) for x, y in box(-0.3, 3.8, 0.3, 4.4)]
        canvas.fill(pouch, colour, "accessory", shade(colour, 0.6))

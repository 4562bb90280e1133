"""The drawn wardrobe: the course's embedded data set, whose ground truth includes where each attribute is.

One world is drawn, and several label tables read it (`world_tables`): like FashionAI's, DARN's, DeepFashion's.
"""

from fashion_lib.core import paths
from fashion_lib.data.cache import load_or_build
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sets.wardrobe.drawing import VERSION, Wardrobe
from fashion_lib.data.sets.wardrobe.drawn_when_read import DrawnWhenRead
from fashion_lib.data.sets.wardrobe.garment_schema import SCHEMA, WORLD
from fashion_lib.data.sets.wardrobe.world_tables import TABLES, image_name, label_tables, region_reader

__all__ = ["SCHEMA", "TABLES", "VERSION", "WORLD", "Wardrobe", "image_name", "label_tables", "load_wardrobe"]


def load_wardrobe(
    size: int, images: int, seed: int = 0, table: str = "wardrobe", *, when_read: bool = False
) -> RetrievalData:
    """Load the wardrobe under one of its label tables; draw it on first use into the pixel cache.

    Drawing makes about 300 pictures per second and core. All tables share the pixels.

    Args:
        size: side of the square pictures, in pixels.
        images: number of pictures.
        seed: decides the drawing, the split, the roles and the balanced draw of labels.
        table: name of the label table, one of TABLES.
        when_read: draw pictures when they are read, unless the pixel cache holds them all already.

    Returns:
        The data set, with the true region of every visible attribute.
    """
    wardrobe, view = Wardrobe(seed, images, size), TABLES[table]
    if when_read and not (paths.cache_dir() / f"{wardrobe.cache_key}.json").is_file():
        pixels = DrawnWhenRead(wardrobe)
    else:
        pixels = load_or_build(
            wardrobe.cache_key, wardrobe.count, wardrobe.size, wardrobe.images, progress="drawing the wardrobe"
        )
    labels, training = label_tables(wardrobe, view)

    def shown(row: int) -> dict[str, str]:
        found = view.labels(wardrobe.outfit(row), wardrobe.seed, row)
        return {name: value for name, (value, _) in found.items()}

    return RetrievalData(
        name=table,
        edition=VERSION,
        schema=view.schema,
        image_names=tuple(image_name(index) for index in range(wardrobe.count)),
        pixels=pixels,
        labels=labels,
        training_labels=training,
        notes=view.notes,
        regions=region_reader(wardrobe, view),
        card={
            "source": f"drawn by fashion_lib.data.sets.wardrobe, version {VERSION}, seed {wardrobe.seed}",
            "licence": "MIT, as the course",
            "splitting rule": "8:1:1 at random over pictures (every picture is a scene of its own)",
        },
        at_size=lambda other: load_wardrobe(other, images, seed, table, when_read=when_read),
        shown=shown,
    )

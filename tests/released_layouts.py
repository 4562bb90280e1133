"""The papers' data sets, small and drawn, in their released formats; used by the tests of profile `paper`."""

from pathlib import Path

from real_layouts import adde_split, asen_lists, picture, zappos


def released_layouts(top: Path) -> dict[str, Path]:
    """Write all of them below a folder; return data set -> the folder that FASHION_DATA may name."""
    made = {}
    for name in ("FashionAI", "DARN", "DeepFashion"):
        made[name.lower()] = top / name.lower()
        asen_lists(made[name.lower()] / name, name)
    made["zappos50k"] = top / "zappos"
    zappos(made["zappos50k"], shoes=100)
    made["deepfashion_adde"] = root = top / "adde"
    images = [f"img/Acme_Tee/img_{i:08d}.jpg" for i in range(80)]
    for i, path in enumerate(images):
        picture(root / "Img" / path, i)
    adde_split(root / "splits" / "DeepFashion", images[:60], images[60:])
    return made

"""Whole pictures, the papers' centre crop and ADDE's stretching: pixels, caches, data sets, and what runs keep."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from real_layouts import adde_split, asen_lists, picture
from torchvision.transforms import CenterCrop, Compose, Resize

from fashion_lib.core.errors import FashionError
from fashion_lib.data import picture_source
from fashion_lib.data.gallery_files import read_picture
from fashion_lib.data.photographs import cached_photographs, decode_photograph
from fashion_lib.data.picture_geometry import CENTRE_CROP, FITS, STRETCH, WHOLE, fit
from fashion_lib.data.picture_source import pictures
from fashion_lib.data.sets import REAL, geometry_of, load_dataset, real_module

SIDES = [(31, 47), (47, 31), (32, 32), (33, 100), (16, 64), (64, 17), (300, 299), (5, 9)]


def random_image(width, height):
    return Image.fromarray(
        np.random.default_rng([width, height]).integers(0, 256, (height, width, 3), dtype=np.uint8)
    )


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("size", [16, 17, 32])
def test_the_papers_geometries_are_torchvisions_to_the_bit(sides, size):
    image = random_image(*sides)
    crop = Compose([Resize(size), CenterCrop(size)])  # ASEN's, RPF's and IPAD's code
    assert np.array_equal(fit(image, size, CENTRE_CROP), np.asarray(crop(image)))
    assert np.array_equal(fit(image, size, STRETCH), np.asarray(Resize((size, size))(image)))
    assert all(fit(image, size, geometry).shape == (size, size, 3) for geometry in FITS)


@pytest.mark.parametrize("geometry", [CENTRE_CROP, STRETCH])
def test_a_large_jpeg_is_not_decoded_at_a_fraction_of_its_size(tmp_path, geometry):
    random_image(900, 700).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        expected = fit(image.convert("RGB"), 32, geometry)
    assert np.array_equal(decode_photograph(tmp_path / "a.jpg", 32, geometry), expected)
    assert not np.array_equal(decode_photograph(tmp_path / "a.jpg", 32), expected)
    assert np.array_equal(read_picture(tmp_path, "a.jpg", 32, (), geometry).pixels, expected)


def test_each_geometry_has_a_cache_and_an_identity_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    names = [f"{i}.png" for i in range(4)]
    for number, name in enumerate(names):
        picture(tmp_path / "pictures" / name, number)
    kept = {
        g: cached_photographs("t", tmp_path / "pictures", names, 16, geometry=g, workers=1)[0] for g in FITS
    }
    assert len(list((tmp_path / "cache").glob("*.pixels"))) == 3
    for geometry, pixels in kept.items():
        lazy = pictures("t", tmp_path / "pictures", names, 16, geometry=geometry, way="decode")[0]
        assert np.array_equal(pixels, lazy[:])
        assert np.array_equal(pixels[2], decode_photograph(tmp_path / "pictures" / "2.png", 16, geometry))
    assert not np.array_equal(kept[WHOLE], kept[CENTRE_CROP]) and not np.array_equal(
        kept[STRETCH], kept[CENTRE_CROP]
    )
    monkeypatch.setattr(picture_source, "LIMIT_GIB", 1e-9)
    digests = [pictures("t", tmp_path / "pictures", names, 16, geometry=g)[0].digest for g in FITS]
    assert digests[0].endswith("-16px") and [d[len(digests[0]) :] for d in digests] == [
        "",
        "-centre_crop",
        "-stretch",
    ]
    with pytest.raises(
        FashionError, match="no geometry 'center_crop' of pictures: did you mean 'centre_crop'"
    ):
        cached_photographs("t", tmp_path / "pictures", names, 16, geometry="center_crop")


def test_real_sets_follow_their_papers_and_nothing_else_does():
    papers, whole = SimpleNamespace(geometry="papers"), SimpleNamespace(geometry="whole")
    for name in REAL:
        expected = STRETCH if name in ("deepfashion_adde", "shopping100k") else CENTRE_CROP
        assert geometry_of(name, papers) == expected and geometry_of(name, whole) == WHOLE
    assert {geometry_of(name, papers) for name in ("wardrobe", "clothing", "mine")} == {WHOLE}
    assert geometry_of("fashionai", SimpleNamespace()) == WHOLE


@pytest.mark.parametrize(("name", "geometry"), [("fashionai", CENTRE_CROP), ("deepfashion_adde", STRETCH)])
def test_a_data_set_keeps_its_geometry_at_every_size(name, geometry, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FASHION_DATA", str(tmp_path / "sets"))
    if name == "fashionai":
        asen_lists(tmp_path / "sets" / "FashionAI", "FashionAI")
    else:
        images = [f"img/a/img_{i:08d}.jpg" for i in range(160)]
        for i, path in enumerate(images):
            picture(tmp_path / "sets" / path, i)
        adde_split(tmp_path / "sets" / "splits" / "DeepFashion", images[:120], images[120:])
    settings = {"image_size": 16, "wardrobe_images": 1, "wardrobe_seed": 0}
    data = load_dataset(name, SimpleNamespace(**settings, geometry="papers"))
    whole = load_dataset(name, SimpleNamespace(**settings))
    assert data.geometry == geometry and whole.geometry == WHOLE
    assert data.version != whole.version and data.pixel_digest != whole.pixel_digest
    assert data.labels.equals(whole.labels) and FITS[geometry] in data.card["pictures"]
    file = next((tmp_path / "sets").rglob(data.image_names[0].rpartition("/")[2]))
    large = data.resized(24)
    assert large.geometry == geometry
    for one in (data, large):
        assert np.array_equal(one.pixels[0], decode_photograph(file, one.image_size, geometry))
    assert geometry == real_module(name).GEOMETRY

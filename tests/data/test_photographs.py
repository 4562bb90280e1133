import pickle

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tiny_photographs import photograph

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import listed
from fashion_lib.data.photographs import PhotographReader, cached_photographs, decode_photograph


def flag(width: int, height: int) -> Image.Image:
    """Red left half, blue right half, so that orientation shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_the_whole_picture_is_kept_and_the_border_colour_fills_the_rest(tmp_path):
    pixels = np.full((60, 30, 3), 200, np.uint8)
    pixels[20:40, 10:20] = (10, 200, 30)
    pixels[0, 0] = 0
    Image.fromarray(pixels).save(tmp_path / "portrait.png")
    square = decode_photograph(tmp_path / "portrait.png", 20)
    assert square.shape == (20, 20, 3)
    assert square.dtype == np.uint8
    inside = np.asarray(Image.fromarray(pixels).resize((10, 20), Image.Resampling.LANCZOS))
    assert (square[:, 5:15] == inside).all()
    border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]]).mean(axis=0).round()
    assert (square[:, :5] == border).all()
    assert (square[:, 15:] == border).all()


@pytest.mark.parametrize(("width", "height"), [(300, 3), (3, 300), (1, 1), (16, 16), (500, 333)])
def test_every_shape_becomes_a_square(tmp_path, width, height):
    Image.new("RGB", (width, height), (9, 90, 190)).save(tmp_path / "a.png")
    assert (decode_photograph(tmp_path / "a.png", 16) == (9, 90, 190)).all()


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    flag(40, 40).save(tmp_path / "a.jpg", exif=exif, quality=95)
    square = decode_photograph(tmp_path / "a.jpg", 16)
    assert square[8, 2, 2] > 200 > 50 > square[8, 2, 0]
    assert square[8, 13, 0] > 200 > 50 > square[8, 13, 2]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    Image.new("RGB", (20, 20), "white").convert(mode).save(tmp_path / name)
    assert (decode_photograph(tmp_path / name, 8) >= 250).all()


def test_transparent_pixels_are_white_not_black(tmp_path):
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (decode_photograph(tmp_path / "a.png", 8) == 255).all()


def test_large_jpegs_shortcut_is_close_to_the_full_decoding(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(12))
    picture.save(tmp_path / "a.jpg", quality=95)
    picture.save(tmp_path / "a.png")
    by_half, full = (decode_photograph(tmp_path / name, 32).astype(int) for name in ("a.jpg", "a.png"))
    assert np.abs(by_half - full).max() <= 4


def broken(folder) -> dict[str, str]:
    """Unreadable files and a word of the reason each must be given."""
    photograph(folder / "good.jpg", 0, 200, 300)
    content = (folder / "good.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(content[: len(content) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("not a picture")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(folder / "a.png")
    damaged = bytearray((folder / "a.png").read_bytes())
    damaged[40:60] = bytes(20)
    (folder / "damaged.png").write_bytes(damaged)
    return {"truncated.jpg": "truncated", "empty.jpg": "is empty", "text.jpg": "identify", "damaged.png": ""}


def test_unreadable_files_are_named(tmp_path):
    for name, word in broken(tmp_path).items():
        with pytest.raises(FashionError, match=rf"{name} cannot be read \(.*{word}.*\): replace it"):
            decode_photograph(tmp_path / name, 16)
    with pytest.raises(FashionError, match=r"gone.jpg does not exist"):
        decode_photograph(tmp_path / "gone.jpg", 16)


def test_the_cache_survives_unreadable_files_and_keeps_a_black_photograph(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    reasons = broken(tmp_path / "pictures") if (tmp_path / "pictures").mkdir() is None else {}
    Image.new("RGB", (30, 30)).save(tmp_path / "pictures" / "black.png")
    names = ["black.png", "good.jpg", *reasons]
    pixels, unreadable, mark = cached_photographs("t", tmp_path / "pictures", names, 16, workers=1)
    assert set(unreadable) == set(reasons)
    assert all(word in unreadable[name] for name, word in reasons.items())
    assert (pixels[1] == decode_photograph(tmp_path / "pictures" / "good.jpg", 16)).all()
    assert not pixels[2:].any()
    again = cached_photographs("t", tmp_path / "pictures", names, 16, workers=1)
    assert again[1:] == (unreadable, mark)


def test_a_changed_file_list_makes_a_new_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    names = [f"{number}.jpg" for number in range(3)]
    for number, name in enumerate(names):
        photograph(tmp_path / name, number)
    marks = [cached_photographs("t", tmp_path, names, 16, workers=1)[2]]
    marks.append(cached_photographs("t", tmp_path, names[:2], 16, workers=1)[2])
    photograph(tmp_path / "1.jpg", 7, 40, 40)
    pixels, _, mark = cached_photographs("t", tmp_path, names, 16, workers=1)
    assert len({*marks, mark}) == 3
    assert (pixels[1] == decode_photograph(tmp_path / "1.jpg", 16)).all()


def test_reader_travels_to_other_processes(tmp_path):
    photograph(tmp_path / "a.jpg", 1)
    reader = pickle.loads(pickle.dumps(PhotographReader((str(tmp_path / "a.jpg"),) * 3, 16)))
    assert (reader(range(1, 3)) == decode_photograph(tmp_path / "a.jpg", 16)).all()


def test_long_lists_are_shortened():
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(9)], most=2) == "0, 1 and 7 more"

"""Photographs from the cache and photographs decoded while they are read: one interface, the same pixels."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from tiny_photographs import photograph

from fashion_lib.core.errors import FashionError
from fashion_lib.data import decoding, picture_source
from fashion_lib.data.dataset import pixel_digest
from fashion_lib.data.lazy_pixels import LazyPixels
from fashion_lib.data.picture_source import chosen_way, pictures

NAMES = [f"{number}.jpg" for number in range(7)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(picture_source.SETTING, raising=False)
    for number, name in enumerate(NAMES):
        photograph(tmp_path / "photographs" / name, number, 90 + number, 60)
    return tmp_path / "photographs"


@pytest.fixture
def both(folder):
    return {way: pictures("t", folder, NAMES, 16, way=way, workers=1) for way in ("cache", "decode")}


KEYS = {
    "row": 3, "last": -1, "numpy row": np.int64(2), "slice": slice(1, 5), "step": slice(None, None, 2),
    "all": slice(None), "nothing": slice(0, 0), "list": [4, 0, 4], "array": np.array([6, 1]), "empty": [],
    "mask": np.arange(7) % 2 == 0, "matrix": np.array([[0, 1], [2, 3]]),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_rows_are_the_same_from_both(both, key):
    cached, decoded = (found[0][key] for found in both.values())
    assert decoded.dtype == np.uint8 and decoded.flags.writeable
    np.testing.assert_array_equal(decoded, cached)


def test_both_look_like_one_array_of_pixels(both):
    cached, decoded = (found[0] for found in both.values())
    assert isinstance(cached, np.memmap) and isinstance(decoded, LazyPixels)
    for name in ("shape", "dtype", "ndim", "nbytes"):
        assert getattr(cached, name) == getattr(decoded, name), name
    assert len(cached) == len(decoded) == 7
    np.testing.assert_array_equal(np.asarray(decoded), cached)
    assert both["cache"][1:] == both["decode"][1:]  # nothing unreadable, and the same digest of the files
    for wrong in (7, -8, [0, 9], (0, 1), (slice(None), 3)):
        with pytest.raises(IndexError):
            decoded[wrong]


def test_nothing_is_decoded_before_it_is_read(folder, monkeypatch):
    monkeypatch.setattr(decoding, "read_rgb", None)
    monkeypatch.setattr("fashion_lib.data.lazy_pixels.decode_photograph", lambda *_: 1 / 0)
    pixels, _, _ = pictures("t", folder, NAMES, 16, way="decode")
    assert len(pixels) == 7 and not list((folder.parent / "cache").glob("*.pixels"))
    with pytest.raises(ZeroDivisionError):
        pixels[0]


def test_a_small_set_has_the_identity_of_its_pixels_both_ways(both):
    cached, decoded = (pixel_digest(found[0]) for found in both.values())
    assert cached == decoded == pixel_digest(np.array(both["cache"][0]))
    assert len(cached) == 12


def test_a_large_set_is_decoded_and_has_the_identity_of_its_files_and_decoder(folder, monkeypatch):
    monkeypatch.setattr(picture_source, "LIMIT_GIB", 1e-6)
    found = {way: pictures("t", folder, NAMES, 16, way=way, workers=1) for way in ("", "cache", "decode")}
    assert isinstance(found[""][0], LazyPixels) and isinstance(found["cache"][0], np.memmap)
    mark = found[""][2]
    assert {pixel_digest(pixels) for pixels, _, _ in found.values()} == {f"{mark}-photographs2-16px"}
    assert pixel_digest(pictures("t", folder, NAMES, 20)[0]) == f"{mark}-photographs2-20px"
    assert pixel_digest(pictures("t", folder, NAMES[:-1], 20)[0]) != f"{mark}-photographs2-20px"


@pytest.mark.parametrize(
    ("setting", "count", "size", "way"),
    [
        ("", 5000, 64, "cache"),
        ("", 180_000, 64, "cache"),
        ("", 180_000, 224, "decode"),
        ("cache", 180_000, 224, "cache"),
        ("decode", 1, 1, "decode"),
        (" 30 ", 180_000, 224, "cache"),
        ("0", 1, 1, "decode"),
    ],
)
def test_the_size_or_the_setting_chooses(setting, count, size, way, monkeypatch):
    monkeypatch.setenv(picture_source.SETTING, setting)
    assert chosen_way(count, size) == way
    monkeypatch.setenv(picture_source.SETTING, "nonsense")
    if setting.strip():
        assert chosen_way(count, size, setting) == way  # the argument comes first


@pytest.mark.parametrize("wrong", ["lazy", "-1", "nan", "inf", "4 GiB"])
def test_another_setting_is_one_sentence(wrong, monkeypatch):
    monkeypatch.setenv(picture_source.SETTING, wrong)
    with pytest.raises(
        FashionError, match=f"FASHION_PIXELS is '{wrong}': give 'cache', 'decode', or the largest"
    ):
        chosen_way(1, 1)
    with pytest.raises(FashionError, match=f"the argument way is '{wrong}'"):
        chosen_way(1, 1, wrong)


def test_a_file_that_is_broken_or_changes_is_named_when_it_is_read(folder):
    (folder / "3.jpg").write_bytes((folder / "3.jpg").read_bytes()[:200])
    pixels, unreadable, _ = pictures("t", folder, NAMES, 16, way="decode")
    assert unreadable == {} and pixels[:3].any()
    with pytest.raises(FashionError, match=r"3.jpg cannot be read \(.*\): replace it"):
        pixels[[0, 3]]
    photograph(folder / "5.jpg", 77)
    with pytest.raises(FashionError, match=r"5.jpg was changed after the data set was loaded"):
        pixels[5]
    (folder / "6.jpg").unlink()
    with pytest.raises(FashionError, match=r"6.jpg does not exist"):
        pixels[6]
    (folder / "6.jpg").mkdir()
    with pytest.raises(FashionError, match=r"6.jpg cannot be read"):
        pixels[6]


@pytest.mark.parametrize("small", [0, 1 << 26])
def test_large_pictures_are_decoded_one_at_a_time(small, folder, monkeypatch):
    monkeypatch.setattr(decoding, "SMALL_BYTES", small)
    barrier, most, now, lock = threading.Barrier(3), 0, 0, threading.Lock()
    flat = decoding._flat_rgb

    def counted(image, size):
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        if small:
            barrier.wait(10)  # three at once: that is what small ones may
        with lock:
            now -= 1
        return flat(image, size)

    monkeypatch.setattr(decoding, "_flat_rgb", counted)
    pixels, _, _ = pictures("t", folder, NAMES, 16, way="decode")
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(pixels.__getitem__, range(3)))
    assert most == (3 if small else 1) and len(found) == 3


def test_draft_mode_gives_the_same_pixels_every_time(folder):
    smooth = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8))
    smooth.resize((800, 600)).save(folder / "0.jpg", quality=95)
    first, second = (pictures("t", folder, NAMES, 32, way="decode")[0][0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    full = np.asarray(smooth.resize((800, 600)).resize((32, 24), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(first[4:28] - full).max() <= 4  # decoded at a half of its size

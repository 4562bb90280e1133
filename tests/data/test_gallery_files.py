"""Which files of a folder are pictures of a gallery, and how they are read."""

import os

import numpy as np
import pytest
from PIL import Image

from fashion_lib.core.errors import FashionError
from fashion_lib.data import gallery_files
from fashion_lib.data.gallery_files import gallery_pictures, read_blocks, read_picture


def picture(path, colour=(200, 10, 10), size=(20, 30), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)


def test_pictures_below_a_folder_by_name(tmp_path):
    for name in ("b.jpg", "a/c.png", "a/d/E.JPEG", "Zoë 1.webp", ".hidden/x.png", "a/._c.png"):
        picture(tmp_path / name, format="PNG")
    (tmp_path / "labels.csv").write_text("file\n")
    (tmp_path / "no ending").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "b.jpg")
    found = gallery_pictures(tmp_path)
    assert list(found) == ["Zoë 1.webp", "a/c.png", "a/d/E.JPEG", "b.jpg", "link.png"]
    state = (tmp_path / "b.jpg").stat()
    assert found["b.jpg"] == (state.st_size, state.st_mtime_ns) == found["link.png"]


def test_no_folder_and_no_picture_say_so(tmp_path):
    with pytest.raises(FashionError, match="is no folder"):
        gallery_pictures(tmp_path / "none")
    with pytest.raises(FashionError, match="there is no picture in"):
        gallery_pictures(tmp_path)


def test_phone_photographs_are_read_upright_and_in_all_modes(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    half = np.zeros((40, 20, 3), np.uint8)
    half[:20] = (255, 0, 0)
    Image.fromarray(half).save(tmp_path / "rotated.jpg", exif=exif, quality=95)
    Image.new("CMYK", (20, 20), (0, 0, 0, 0)).save(tmp_path / "cmyk.jpg")
    Image.fromarray(np.full((20, 20), 65535, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    for name in ("cmyk.jpg", "deep.png", "clear.png"):
        assert (read_picture(tmp_path, name, 16, ()).pixels >= 250).all(), name
    turned = read_picture(tmp_path, "rotated.jpg", 16, ()).pixels
    assert turned[8, 14, 0] > 200 > 60 > turned[8, 1, 0]  # the red upper half is now on the right


def test_blocks_keep_the_order_and_leave_known_pictures_undecoded(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery_files, "BYTES_AHEAD", 2 * 3 * 8 * 8 * 3)  # blocks of three
    names = [f"{number}.png" for number in range(8)]
    for number, name in enumerate(names):
        picture(tmp_path / name, (number, 0, 0))
    known = {read_picture(tmp_path, "4.png", 8, ()).digest}
    blocks = list(read_blocks(tmp_path, names, 8, known, workers=2))
    assert [len(block) for block in blocks] == [3, 3, 2]
    found = [one for block in blocks for one in block]
    assert [one.name for one in found] == names
    assert [None if one.pixels is None else int(one.pixels[0, 0, 0]) for one in found] == [
        0,
        1,
        2,
        3,
        None,
        5,
        6,
        7,
    ]
    assert not any(one.reason for one in found)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_has_a_reason(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    assert "cannot be opened" in read_picture(tmp_path, "a.png", 8, ()).reason


def test_a_folder_that_looks_like_a_picture_is_not_one(tmp_path):
    picture(tmp_path / "folder.jpg" / "a.png")
    assert list(gallery_pictures(tmp_path)) == ["folder.jpg/a.png"]
    assert "cannot be opened" in read_picture(tmp_path, "folder.jpg", 8, ()).reason

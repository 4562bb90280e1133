"""Picture files as people have them: deep greys, odd modes, large pictures, EXIF, HEIC."""

import os
import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps, PngImagePlugin

from fashion_lib.core.errors import FashionError
from fashion_lib.data import decoding
from fashion_lib.data.decoding import read_rgb
from fashion_lib.data.photographs import PhotographReader, decode_photograph
from fashion_lib.data.picture_geometry import square_pixels

SIZE = 16


def as_before(path: Path, size: int) -> np.ndarray:
    """The decoding that every cached picture of the course was made with."""
    with Image.open(path) as image:
        image.draft("RGB", (2 * size, 2 * size))
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return square_pixels(image.convert("RGB"), size)


def garment(width: int = 90, height: int = 120, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Image.fromarray(pixels, "RGBA").filter(ImageFilter.GaussianBlur(2)).convert(mode)


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("RGB", "a.jpg", {}),
        ("RGB", "progressive.jpg", {"progressive": True}),
        ("L", "a.jpg", {}),
        ("CMYK", "a.jpg", {}),
        ("RGB", "a.png", {}),
        ("RGB", "colour_key.png", {"transparency": (100, 120, 130)}),
        ("RGBA", "a.png", {}),
        ("L", "a.png", {}),
        ("L", "key.png", {"transparency": 128}),
        ("LA", "a.png", {}),
        ("1", "a.png", {}),
        ("P", "a.png", {}),
        ("P", "a.gif", {"transparency": 3}),
        ("P", "alpha.png", {"transparency": bytes(range(256))}),
        ("RGB", "a.bmp", {}),
        ("RGB", "a.tif", {"compression": "tiff_lzw"}),
        ("RGBA", "a.tif", {}),
        ("CMYK", "a.tif", {}),
        ("RGBA", "a.webp", {"lossless": True}),
        ("RGB", "a.webp", {}),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("height", [120, 700])
def test_ordinary_pictures_keep_their_pixels_bit_for_bit(tmp_path, mode, name, options, orientation, height):
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = orientation
    written = {} if name.endswith((".gif", ".bmp")) else {"exif": exif}
    garment(90, height, mode).save(tmp_path / name, **options, **written)
    assert (decode_photograph(tmp_path / name, SIZE) == as_before(tmp_path / name, SIZE)).all()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 70])
def test_every_exif_orientation_turns_the_picture_as_pillow_does(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = orientation
    garment().save(tmp_path / f"a.{suffix}", exif=exif)
    with Image.open(tmp_path / f"a.{suffix}") as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert (np.asarray(read_rgb(tmp_path / f"a.{suffix}", 200)) == expected).all()


def test_damaged_exif_data_leaves_the_picture_as_it_is_stored(tmp_path):
    garment().save(tmp_path / "plain.jpg")
    garment().save(tmp_path / "a.jpg", exif=b"Exif\0\0no tags at all")
    assert (read_rgb(tmp_path / "a.jpg", 99).tobytes()) == read_rgb(tmp_path / "plain.jpg", 99).tobytes()


def levels(dtype, white: float) -> np.ndarray:
    """A ramp from black to white, square."""
    return np.tile(np.linspace(0, white, 64), (64, 1)).astype(dtype)


def tiff(path: Path, grey: np.ndarray, bits: int, photometric: int = 1, order: str = "<") -> Path:
    """An uncompressed grey TIFF of whole numbers, written by hand; 12 bits are packed."""
    if bits == 12:
        pairs = grey.reshape(-1, 2).astype(np.uint32)
        packed = (pairs[:, 0] << 12) | pairs[:, 1]
        content = b"".join(int(number).to_bytes(3, "big") for number in packed)
    else:
        content = grey.astype(grey.dtype.newbyteorder(order)).tobytes()
    height, width = grey.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1),
            (278, height), (279, len(content)), (339, 2 if grey.dtype.kind == "i" else 1)]  # fmt: skip
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "I", 8 + len(content))
    path.write_bytes(head + content + struct.pack(order + "H", len(tags)) + entries + bytes(4))
    return path


def deep_files(folder: Path) -> dict[str, Path]:
    """A black-to-white ramp in every deep grey that has an agreed white."""
    ramp = levels(np.uint16, 65535)
    Image.fromarray(ramp).save(folder / "16.png")
    Image.fromarray(ramp).save(folder / "16.tif")
    Image.fromarray(ramp).save(folder / "lzw.tif", compression="tiff_lzw")
    Image.fromarray(ramp.astype(np.int32), "I").save(folder / "16.pgm")
    Image.fromarray(levels(np.float32, 1)).save(folder / "float.tif")
    (folder / "10.pgm").write_bytes(b"P5 64 64 1023 " + levels(">u2", 1023).tobytes())
    tiff(folder / "big_endian.tif", ramp, 16, order=">")
    tiff(folder / "12.tif", levels(np.uint16, 4095), 12)
    return {path.name: path for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    "name", ["16.png", "16.tif", "lzw.tif", "16.pgm", "10.pgm", "float.tif", "big_endian.tif", "12.tif"]
)
def test_deep_greys_are_scaled_from_black_to_white_and_not_clipped(tmp_path, name):
    pixels = np.asarray(read_rgb(deep_files(tmp_path)[name], 64))
    expected = levels(np.float64, 255)
    assert pixels.shape == (64, 64, 3)
    assert (pixels == pixels[..., :1]).all()
    assert np.abs(pixels[..., 0] - expected).max() <= 1
    assert pixels[0, 0, 0] == 0 and pixels[0, -1, 0] == 255


def test_a_grey_tiff_with_white_as_zero_is_not_a_negative(tmp_path):
    path = tiff(tmp_path / "a.tif", levels(np.uint16, 65535), 16, photometric=0)
    assert np.abs(np.asarray(read_rgb(path, 64))[..., 0] - levels(np.float64, 255)[:, ::-1]).max() <= 1


def png(path: Path, colour_type: int, rows: np.ndarray, key: bytes) -> Path:
    """A PNG of 16 bits per channel with a transparent colour, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 16, colour_type, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tRNS", key)
                     + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))  # fmt: skip
    return path


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3)])
def test_a_transparent_colour_of_16_bits_is_white(tmp_path, colour_type, channels):
    colour = [1000, 20000, 40000][:channels]
    rows = np.full((8, 8, channels), 30000)
    rows[2:6, 2:6] = colour
    path = png(tmp_path / "a.png", colour_type, rows, struct.pack(f">{channels}H", *colour))
    pixels = np.asarray(read_rgb(path, 8))
    assert (pixels[2:6, 2:6] == 255).all()
    assert np.abs(pixels[0, 0].astype(int) - 117).max() <= 1


@pytest.mark.parametrize(
    ("grey", "words"),
    [
        (levels(np.int32, 255), "signed or 32-bit .* save it with 8 or 16 bits"),
        (levels(np.int32, 2**31 - 1000), "signed or 32-bit .* save it with 8 or 16 bits"),
        (levels(np.float32, 255), "from 0 to 255 instead of 0 to 1"),
        (levels(np.float32, 1) - 0.5, "from -0.5 to 0.5 instead of 0 to 1"),
        (np.where(levels(np.float32, 1) > 0.9, np.nan, 0.5).astype(np.float32), "nan"),
        (np.where(levels(np.float32, 1) > 0.9, np.inf, 0.5).astype(np.float32), "inf"),
    ],
)
def test_grey_without_an_agreed_white_is_refused_by_name(tmp_path, grey, words):
    Image.fromarray(grey).save(tmp_path / "deep.tif")
    with pytest.raises(FashionError, match=rf"deep.tif cannot be read \(.*{words}.*\): replace it"):
        decode_photograph(tmp_path / "deep.tif", SIZE)


def test_floats_that_miss_black_and_white_by_a_rounding_error_are_scaled(tmp_path):
    grey = levels(np.float32, 1)
    grey[0, 0], grey[0, -1] = -1e-6, np.nextafter(np.float32(1), np.float32(2))
    Image.fromarray(grey).save(tmp_path / "a.tif")
    assert np.abs(np.asarray(read_rgb(tmp_path / "a.tif", 64))[..., 0] - levels(np.float64, 255)).max() <= 1


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint32])
def test_signed_and_32_bit_whole_numbers_are_refused(tmp_path, dtype):
    path = tiff(tmp_path / "a.tif", levels(dtype, min(255, np.iinfo(dtype).max)), 8 * np.dtype(dtype).itemsize)
    with pytest.raises(FashionError, match="signed or 32-bit whole numbers"):
        decode_photograph(path, SIZE)


@pytest.mark.parametrize("brand", sorted(decoding.HEIC_BRANDS))
@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "renamed.jpg", "a copy.heic"])
def test_heic_is_named_with_the_way_to_read_it(tmp_path, monkeypatch, brand, name):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # not installed
    (tmp_path / name).write_bytes(struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"mif1heic" + bytes(99))
    with pytest.raises(FashionError, match=rf"{name} .*HEIC.*install the package pillow-heif, or convert it to JPEG"
                       rf".*heif-convert '?{name}'? '?[\w ]+.jpg"):  # fmt: skip
        decode_photograph(tmp_path / name, SIZE)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_read_upright_where_pillow_heif_is_installed(tmp_path, orientation):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = orientation
    garment(90, 130).save(tmp_path / "a.png", exif=exif)
    # As bytes: the encoder then writes the turn as phones do, as a property of the picture.
    garment(90, 130).save(tmp_path / "renamed.jpg", format="HEIF", exif=exif.tobytes(), quality=95)
    heic, expected = (decode_photograph(tmp_path / name, 64).astype(int) for name in ("renamed.jpg", "a.png"))
    assert np.abs(heic - expected).mean() < 3
    os.truncate(tmp_path / "renamed.jpg", (tmp_path / "renamed.jpg").stat().st_size // 2)
    with pytest.raises(FashionError, match=r"renamed.jpg cannot be read \(.+\): replace it"):
        decode_photograph(tmp_path / "renamed.jpg", SIZE)


def test_a_fresh_process_reads_heic_without_being_asked_to(tmp_path):
    """Worker processes that decode start clean."""
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    garment().save(tmp_path / "a.heic", format="HEIF")
    assert peak_memory(tmp_path / "a.heic") < 100


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16", "F", "1", "LA"])
@pytest.mark.parametrize("orientation", [1, 8])
def test_large_pictures_are_made_smaller_in_strips_and_look_the_same(tmp_path, monkeypatch, mode, orientation):
    """The way of pictures above LARGE, taken by a small one."""
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = orientation
    picture = garment(397, 601, "L") if mode in ("I;16", "F") else garment(397, 601, mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    if mode == "F":
        picture = Image.fromarray(np.asarray(picture).astype(np.float32) / 255)
    picture.save(tmp_path / "a.tif", exif=exif)
    whole = decode_photograph(tmp_path / "a.tif", SIZE).astype(int)
    monkeypatch.setattr(decoding, "LARGE", 1000)
    monkeypatch.setattr(decoding, "STRIP", 50)
    reduced = read_rgb(tmp_path / "a.tif", SIZE)
    assert 2 * SIZE <= max(reduced.size) < 4 * SIZE
    error = np.abs(decode_photograph(tmp_path / "a.tif", SIZE) - whole)
    assert error.mean() <= 2 and error.max() <= 16  # the dots of mode 1 lie between black and white


def claimed(path: Path, kind: str, width: int, height: int) -> Path:
    """A small file whose header claims another size."""
    if kind == "png":
        header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
        chunk = b"IHDR" + header
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
                         + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")))  # fmt: skip
    else:
        Image.new("RGB", (8, 8)).save(path, "JPEG", progressive=kind == "progressive")
        content = path.read_bytes()
        start = next(content.index(mark) for mark in (b"\xff\xc0", b"\xff\xc2") if mark in content)
        path.write_bytes(content[: start + 5] + struct.pack(">HH", height, width) + content[start + 9 :])
    return path


@pytest.mark.parametrize(("kind", "side"), [("png", 60000), ("progressive", 60000)])
def test_a_picture_that_needs_too_much_memory_is_refused_before_it_is_decoded(tmp_path, kind, side):
    path = claimed(tmp_path / "a", kind, side, side)
    with pytest.raises(FashionError, match=r"60000 x 60000 pixels need \d+ MiB to decode, more than 1024; save it"):
        decode_photograph(path, SIZE)


def test_pillows_own_limit_is_back_after_every_opening(tmp_path):
    limit = Image.MAX_IMAGE_PIXELS
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    decode_photograph(tmp_path / "a.png", 4)
    with pytest.raises(FashionError):
        decode_photograph(tmp_path / "b.png", 4)
    assert limit == Image.MAX_IMAGE_PIXELS


def peak_memory(path: Path) -> float:
    """Peak of MiB that decoding a file adds to a process of its own."""
    script = textwrap.dedent(f"""
        import resource, sys
        from fashion_lib.data.photographs import decode_photograph
        unit = 2**20 if sys.platform == "darwin" else 2**10
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert decode_photograph({str(path)!r}, 64).shape == (64, 64, 3)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit)
    """)
    environment = {**os.environ, "PYTHONPATH": str(Path(decoding.__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    return float(ended.stdout)


def test_memory_stays_near_that_of_the_decoded_picture(tmp_path):
    """4 bytes per pixel, where the plain way takes 20; 8 megapixels here stand for 177."""
    Image.new("RGBA", (4000, 2000), (200, 100, 50, 128)).save(tmp_path / "a.png", compress_level=1)
    assert peak_memory(tmp_path / "a.png") < 3 * 4000 * 2000 * 4 / 2**20


def test_a_phones_200_megapixels_are_decoded_at_an_eighth(tmp_path):
    Image.new("L", (16384, 12288), 90).save(tmp_path / "a.jpg")
    assert peak_memory(tmp_path / "a.jpg") < 60


def test_a_text_in_a_png_is_not_taken_for_a_property_of_the_picture(tmp_path):
    text = PngImagePlugin.PngInfo()
    for key in ("progressive", "exif", "xmp", "dpi"):
        text.add_text(key, "yes")
    garment().save(tmp_path / "a.png", pnginfo=text)
    garment().save(tmp_path / "b.png")
    assert (decode_photograph(tmp_path / "a.png", SIZE) == decode_photograph(tmp_path / "b.png", SIZE)).all()


def test_the_first_frame_of_an_animation_is_the_picture(tmp_path):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ((250, 10, 10), (10, 250, 10))]
    for name in ("a.gif", "a.webp", "a.png", "a.tif", "a.mpo"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        pixels = decode_photograph(tmp_path / name, SIZE)
        assert pixels[..., 0].min() > 200 and pixels[..., 1].max() < 60, name


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tif", "webp", "ppm", "jp2", "mpo"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_file_is_named_whatever_its_format(tmp_path, suffix, kept):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    os.truncate(path, int(path.stat().st_size * kept))
    with pytest.raises(FashionError, match=rf"a.{suffix} cannot be read \(.+\): replace it"):
        decode_photograph(path, SIZE)


def test_a_file_that_changes_while_it_is_decoded_stops_the_decoding(tmp_path):
    garment().save(tmp_path / "a.png")
    reader = PhotographReader((str(tmp_path / "a.png"),), SIZE, ("0" * 64,))
    with pytest.raises(FashionError, match="a.png was changed while"):
        reader(range(1))

import hashlib
import os
import stat
import zipfile
from collections import namedtuple
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tiny_photographs import clothing, zipped

from fashion_lib.core.errors import FashionError
from fashion_lib.data import archive, fetch
from fashion_lib.data.fetch import download_clothing


class Shop(BaseHTTPRequestHandler):
    """Serves `server.content`; `server.cut` answers end early; understands ranges if `server.ranges`."""

    def do_GET(self):
        shop, start = self.server, 0
        shop.asked.append(self.headers.get("Range"))
        if shop.status != 200:
            self.send_error(shop.status)
            return
        wanted = self.headers.get("Range")
        if wanted and shop.ranges and self.headers.get("If-Range") == shop.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(shop.content) - 1}/{len(shop.content)}")
        else:
            self.send_response(200)
        if shop.etag:
            self.send_header("ETag", shop.etag)
        if shop.tells_length:
            self.send_header("Content-Length", str(len(shop.content) - start))
        self.end_headers()
        body = shop.content[start:]
        if shop.cut:
            body = body[: shop.cut.pop(0)]
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def shop(serve):
    return serve(Shop, content=b"", etag='"one"', ranges=True, tells_length=True, cut=[], asked=[], status=200)


@pytest.fixture
def source(tmp_path) -> Path:
    return clothing(tmp_path / "source", images=30)


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "data" / "clothing-dataset"


def assert_arrived(target: Path, source: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            assert (target / file.relative_to(source)).read_bytes() == file.read_bytes()
    assert sorted(path.name for path in target.parent.iterdir()) == ["clothing-dataset"]


def test_download_unpack_check_and_leave_alone_what_is_there(shop, source, target, capsys):
    shop.content = zipped(source)
    assert download_clothing(target, url=shop.url, sha256=hashlib.sha256(shop.content).hexdigest()) == target
    assert_arrived(target, source)
    assert "30 photographs, 0 rows without one, 0 unreadable" in capsys.readouterr().out
    download_clothing(target, url=shop.url)
    assert "already there, nothing was downloaded" in capsys.readouterr().out
    assert shop.asked == [None]


def test_a_cut_off_download_goes_on_where_it_stopped(shop, source, target):
    shop.content, shop.cut = zipped(source), [1000, 2000]
    download_clothing(target, url=shop.url)
    assert_arrived(target, source)
    assert shop.asked == [None, "bytes=1000-", "bytes=3000-"]


def test_the_next_run_goes_on_too(shop, source, target):
    shop.content, shop.cut = zipped(source), [1000] + [0] * (fetch.ATTEMPTS - 1)
    with pytest.raises(
        FashionError, match="connection ended early; 1000 bytes are kept.* run the command again"
    ):
        download_clothing(target, url=shop.url)
    assert not target.exists()
    shop.asked.clear()
    download_clothing(target, url=shop.url)
    assert_arrived(target, source)
    assert shop.asked == ["bytes=1000-"]


@pytest.mark.parametrize(
    "change", [{"ranges": False}, {"etag": '"two"'}, {"etag": None}, {"etag": 'W/"weak"'}]
)
def test_without_a_safe_continuation_it_restarts_cleanly(shop, source, target, change):
    shop.content, shop.cut = b"an older archive" * 200, [1000] + [0] * (fetch.ATTEMPTS - 1)
    if change.get("etag", "") != '"two"':
        vars(shop).update(change)
    with pytest.raises(FashionError):
        download_clothing(target, url=shop.url)
    vars(shop).update(change, content=zipped(source))
    download_clothing(target, url=shop.url)
    assert_arrived(target, source)


def test_a_server_that_does_not_tell_the_length(shop, source, target):
    shop.content, shop.tells_length, shop.etag, shop.cut = zipped(source), False, None, [1000]
    download_clothing(target, url=shop.url)
    assert_arrived(target, source)
    assert shop.asked == [None, None]


def test_a_wrong_checksum_keeps_nothing(shop, source, target):
    shop.content = zipped(source)
    with pytest.raises(
        FashionError, match=rf"{hashlib.sha256(shop.content).hexdigest()} instead of {'0' * 64}"
    ):
        download_clothing(target, url=shop.url, sha256="0" * 64)
    assert list(target.parent.iterdir()) == []
    download_clothing(target, url=shop.url)
    assert_arrived(target, source)


@pytest.mark.parametrize(
    "name",
    [
        "clothing-dataset-master/../../outside.txt",
        "/outside.txt",
        "..\\outside.txt",
        "C:/outside.txt",
        "a/b\\c.txt",
    ],
)
def test_an_entry_that_would_land_outside_is_refused(shop, source, target, name, tmp_path):
    shop.content = zipped(source, extra=[(name, b"gotcha")])
    with pytest.raises(FashionError, match="unsafe entry"):
        download_clothing(target, url=shop.url)
    assert not target.exists()
    assert not list(tmp_path.rglob("outside.txt"))
    assert not list(target.parent.glob("*.part"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO])
def test_links_and_special_files_are_refused(tmp_path, kind):
    entry = zipfile.ZipInfo("top/link")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(entry, "/etc/passwd")
    with pytest.raises(FashionError, match="unsafe entry 'top/link'"):
        archive.extract(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_archive_is_removed_and_fetched_anew(shop, source, target):
    good = zipped(source)
    at = good.index(b"images/p010.jpg") + 60
    shop.content = good[:at] + bytes(50) + good[at + 50 :]
    with pytest.raises(FashionError, match=r"is damaged \(.*\) and was removed"):
        download_clothing(target, url=shop.url)
    assert not target.exists()
    shop.content = good
    download_clothing(target, url=shop.url)
    assert_arrived(target, source)


def test_an_archive_without_the_photographs_is_not_kept(shop, source, target):
    for number in range(20):
        (source / "images" / f"p{number:03d}.jpg").unlink()
    shop.content = zipped(source)
    with pytest.raises(FashionError, match=r"20 of the 30 rows of .* have no image \(p000, p001"):
        download_clothing(target, url=shop.url)
    for file in (source / "images").iterdir():
        os.truncate(file, 300)
    (source / "images.csv").write_text("image,sender_id,label,kids\np020,1,Polo,False\n")
    shop.content = zipped(source)
    with pytest.raises(FashionError, match="10 of the 10 images in .* cannot be read"):
        download_clothing(target, url=shop.url)
    assert list(target.parent.iterdir()) == []


def test_an_archive_larger_than_the_disk(tmp_path, source, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped(source))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: usage(10, 0, 10))
    with pytest.raises(FashionError, match="more than fits"):
        archive.extract(tmp_path / "a.zip", tmp_path / "out")


def test_no_server_and_no_such_page(shop, target):
    shop.status = 404
    with pytest.raises(FashionError, match=r"HTTP status 404; 0 bytes are kept"):
        download_clothing(target, url=shop.url)
    assert len(shop.asked) == 1
    with pytest.raises(FashionError, match=r"did not finish \(.*refused"):
        download_clothing(target, url="http://127.0.0.1:1/master.zip")


def test_a_folder_that_cannot_be_made(tmp_path, shop):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FashionError, match="cannot be stored"):
        download_clothing(tmp_path / "file" / "clothing", url=shop.url)

"""Faults of servers and archives: each is one sentence that blames the right side, and the next run works."""

import errno
import io
import struct
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tiny_photographs import TOP, clothing, zipped

from fashion_lib.core.errors import FashionError
from fashion_lib.data import archive, fetch
from fashion_lib.data.fetch import download_clothing


class Script(BaseHTTPRequestHandler):
    """Answers with `server.answers`, one after the other: raw bytes, header included. The last one stays."""

    def do_GET(self):
        answers = self.server.answers
        self.wfile.write(answers.pop(0) if len(answers) > 1 else answers[0])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(serve):
    return serve(Script, answers=[])


def answer(content: bytes, *headers: str, status: str = "200 OK", length: str | None = "right") -> bytes:
    lines = [f"HTTP/1.0 {status}", *headers]
    if length is not None:
        lines.append(f"Content-Length: {len(content) if length == 'right' else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


@pytest.fixture
def source(tmp_path) -> Path:
    return clothing(tmp_path / "source", images=12)


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "data" / "clothing-dataset"


def assert_nothing_sticks(server, target, source, headers=()) -> None:
    """Nothing is left of the failed run, and the next one works."""
    assert [path.name for path in target.parent.iterdir()] == []
    server.answers = [answer(zipped(source), *headers)]
    download_clothing(target, url=server.url)
    assert sorted(path.name for path in target.parent.iterdir()) == ["clothing-dataset"]
    assert len(list((target / "images").iterdir())) == 12


# Archives ---------------------------------------------------------------------------------------------------


def overwritten(content: bytes, at: int, with_: bytes) -> bytes:
    return content[:at] + with_ + content[at + len(with_) :]


def data_of(content: bytes, name: str) -> int:
    """Where the packed bytes of an entry begin."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        start = zipped.getinfo(TOP + name).header_offset
    names, extra = struct.unpack("<HH", content[start + 26 : start + 30])
    return start + 30 + names + extra


def damaged_data(method: int):
    def damage(source: Path) -> bytes:
        good = zipped(source, method)
        return overwritten(good, data_of(good, "images/p005.jpg") + 12, b"\xff" * 60)

    return damage


def bad_name(source: Path) -> bytes:
    """A name that is marked as UTF-8 and is not."""
    good = zipped(source, extra=[(TOP + "é.jpg", b"x")])
    return good.replace("é".encode(), b"\xff\xfe")


def entries(*extra: tuple[str, bytes]):
    return lambda source: zipped(source, extra=extra)


def patched_directory(offset: int, value: bytes):
    """Every entry of the central directory with other bytes at `offset`."""

    def patch(source: Path) -> bytes:
        content, at = zipped(source), 0
        while (at := content.find(b"PK\1\2", at)) >= 0:
            content = overwritten(content, at + offset, value)
            at += 4
        return content

    return patch


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(damaged_data(zipfile.ZIP_DEFLATED), id="deflate"),
        pytest.param(damaged_data(zipfile.ZIP_LZMA), id="lzma"),
        pytest.param(damaged_data(zipfile.ZIP_BZIP2), id="bzip2"),
        pytest.param(damaged_data(zipfile.ZIP_STORED), id="stored"),
        pytest.param(bad_name, id="name that is no UTF-8"),
        pytest.param(entries((f"{TOP}{'x' * 300}.jpg", b"")), id="name too long"),
        pytest.param(entries((f"{TOP}images.csv/a.jpg", b"")), id="a file that is a folder, too"),
        pytest.param(entries((f"{TOP}images", b"")), id="a folder that is a file, too"),
        pytest.param(patched_directory(8, b"\x01"), id="encrypted"),
        pytest.param(patched_directory(10, b"\x5f"), id="unknown method"),
        pytest.param(patched_directory(42, b"\xff\xff\xff\x7f"), id="entry beyond the end"),
        pytest.param(lambda source: zipped(source)[:-30], id="no directory"),
        pytest.param(lambda source: zipped(source)[100:], id="no beginning"),
        pytest.param(lambda source: b"", id="empty"),
        pytest.param(lambda source: b"<html>Please sign in</html>", id="a web page"),
        pytest.param(lambda source: b"PK\5\6" + bytes(18), id="an archive of nothing"),
    ],
)
@pytest.mark.parametrize("headers", [(), ('ETag: "one"',)], ids=["", "resumable"])
def test_a_damaged_archive_never_sticks(server, source, target, make, headers):
    server.answers = [answer(make(source), *headers)]
    with pytest.raises(FashionError) as caught:
        download_clothing(target, url=server.url)
    said = str(caught.value)
    assert "damaged" in said or "is not the photographs" in said, said
    assert "disk" not in said and "space" not in said and "connection" not in said, said
    assert_nothing_sticks(server, target, source, headers)


def test_an_archive_that_claims_to_be_huge_never_sticks(server, source, target, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 1000)
    server.answers = [answer(zipped(source))]
    with pytest.raises(FashionError, match="more than is expected, and was removed"):
        download_clothing(target, url=server.url)
    monkeypatch.undo()
    assert_nothing_sticks(server, target, source)


@pytest.mark.parametrize(
    ("number", "step"),
    [(errno.ENOSPC, "write"), (errno.EDQUOT, "write"), (errno.EIO, "write"), (errno.EACCES, "open"),
     (errno.EROFS, "open")],
)
def test_a_disk_that_refuses_is_not_the_archives_fault(server, source, target, monkeypatch, number, step):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(number, "the disk refuses")

    real = Path.open

    def open_(path, mode="r", *arguments, **options):
        if mode == "xb" and step == "open":
            raise OSError(number, "the disk refuses")
        return Full() if mode == "xb" else real(path, mode, *arguments, **options)

    server.answers = [answer(zipped(source))]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_)
        with pytest.raises(FashionError, match=r"cannot be stored in .*the disk refuses.*: free some space"):
            download_clothing(target, url=server.url)
    assert "clothing-dataset.zip.part" in [path.name for path in target.parent.iterdir()]
    download_clothing(target, url=server.url)
    assert sorted(path.name for path in target.parent.iterdir()) == ["clothing-dataset"]


# Servers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", ["abc", "-5", "1e6", "12 34", "٣", "9" * 5000, "0x10", "1.5", "10, 10"])
def test_a_length_that_is_no_number_is_the_servers_fault(server, source, target, length):
    server.answers = [answer(zipped(source), length=length.encode().decode("latin-1"))]
    with pytest.raises(FashionError, match=r"the server of http.* gives the length '.*' \(Content-Length\)"):
        download_clothing(target, url=server.url)
    assert_nothing_sticks(server, target, source)


@pytest.mark.parametrize(
    "told",
    ["bytes abc-5/10", "bytes 5-9", "", f"bytes {'9' * 5000}-9/9", "bytes ٣-٣/٣", "bytes 7-9/10", "bytes */10"],
)
def test_a_range_that_makes_no_sense_starts_anew(server, source, target, told):
    content = zipped(source)
    ranged = answer(content, f"Content-Range: {told.encode().decode('latin-1')}", status="206 Partial Content")
    server.answers = [answer(content[:1000], 'ETag: "one"', length=str(len(content))), ranged,
                      answer(content, 'ETag: "one"')]  # fmt: skip
    download_clothing(target, url=server.url)
    assert len(list((target / "images").iterdir())) == 12


@pytest.mark.parametrize("status", ["206 Partial Content", "204 No Content", "202 Accepted"])
def test_a_status_that_nobody_wanted(server, source, target, status):
    server.answers = [answer(b"", "Content-Range: bytes 0-9/10", status=status)]
    with pytest.raises(FashionError, match=f"HTTP status {status[:3]}"):
        download_clothing(target, url=server.url)
    assert_nothing_sticks(server, target, source)


def test_a_web_page_of_unknown_length_is_not_a_connection_that_ended_early(server, source, target):
    server.answers = [answer(b"<html>Please sign in</html>", 'ETag: "one"', length=None)]
    with pytest.raises(FashionError, match=r"is no zip archive .*<htm.*removed: check the address"):
        download_clothing(target, url=server.url)
    assert_nothing_sticks(server, target, source)


@pytest.mark.parametrize("content", [b"", b"not json", b"[1]", b'{"url": 1}', b"[" * 100_000, b"\xff",
                                     b'{"url": "URL", "validator": 5, "total": 5}',
                                     b'{"url": "URL", "validator": "a\\r\\nX: b", "total": 5}',
                                     b'{"url": "URL", "validator": "\\u00e9", "total": 5}',
                                     b'{"url": "URL", "validator": "one", "total": 7}'])  # fmt: skip
def test_damaged_notes_of_an_earlier_run_do_not_stick(server, source, target, content):
    target.parent.mkdir()
    part = target.with_name("clothing-dataset.zip.part")
    part.write_bytes(b"garbage")  # 7 bytes
    Path(f"{part}.json").write_bytes(content.replace(b"URL", server.url.encode()))
    server.answers = [answer(zipped(source))]
    try:
        download_clothing(target, url=server.url)
    except FashionError as error:
        assert "damaged" in str(error)
        assert_nothing_sticks(server, target, source)
    assert len(list((target / "images").iterdir())) == 12


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/a.zip", "data:,abc", "a.zip", "//host/a.zip", "http", "",
            "http://[::1", "http://127.0.0.1/é.zip", "jar:http://a/b.zip"],
)  # fmt: skip
def test_addresses_that_are_no_web_addresses_are_refused(tmp_path, url):
    with pytest.raises(FashionError, match="the address .*(http://|letters)"):
        fetch.fetch(url, tmp_path / "a.part")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("location", "status"),
    [("ftp://127.0.0.1:1/a.zip", 301), ("FTP://127.0.0.1:1/", 302), ("file:///etc/hostname", 303), ("data:,a", 307),
     ("ftp://127.0.0.1:1/a.zip", 308), ("/master.zip", 302)],
)  # fmt: skip
def test_redirects_stay_on_the_web_and_out_of_circles(server, source, target, location, status):
    server.answers = [answer(b"", f"Location: {location}", status=f"{status} Moved")]
    with pytest.raises(FashionError, match="redirect.*: check the address"):
        download_clothing(target, url=server.url)
    assert_nothing_sticks(server, target, source)


def test_redirects_do_not_leave_https():
    fetch._check_scheme("https://b/a.zip", "http://a/a.zip")
    fetch._check_scheme("http://b/a.zip", "http://a/a.zip")
    with pytest.raises(FashionError, match="https://a/a.zip redirects to http://b/a.zip, .* not protected"):
        fetch._check_scheme("http://b/a.zip", "https://a/a.zip")


def test_a_redirect_on_the_web_is_followed(server, source, target):
    server.answers = [answer(b"", "Location: /elsewhere.zip", status="302 Found"), answer(zipped(source))]
    download_clothing(target, url=server.url)
    assert len(list((target / "images").iterdir())) == 12


@pytest.mark.parametrize("error", [OSError(113, "No route to host"), TimeoutError("timed out"),
                                   ConnectionResetError(104, "Connection reset by peer")])  # fmt: skip
@pytest.mark.parametrize("step", ["answer", "read"])
def test_a_network_that_fails_is_not_blamed_on_the_disk(server, source, target, monkeypatch, error, step):
    import http.client

    def fail(*_, **__):
        raise error

    server.answers = [answer(zipped(source))]
    with monkeypatch.context() as patch:
        if step == "answer":
            patch.setattr(http.client.HTTPConnection, "getresponse", fail)
        else:
            patch.setattr(http.client.HTTPResponse, "read", fail)
        with pytest.raises(FashionError, match=rf"did not finish \(.*{error.args[-1]}.*check the connection"):
            download_clothing(target, url=server.url)


def test_two_downloads_at_once_do_not_take_each_others_part(server, source, target, monkeypatch, capsys):
    """The second waits for the first, and finds the folder full."""
    real, asked = fetch.fetch, []

    def slow(url, part):
        asked.append(url)
        real(url, part)
        time.sleep(0.3)
        assert part.exists()

    monkeypatch.setattr(fetch, "fetch", slow)
    server.answers = [answer(zipped(source))]
    faults = []

    def run():
        try:
            download_clothing(target, url=server.url)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(asked) == 1
    assert capsys.readouterr().out.count("already there, nothing was downloaded") == 2
    assert sorted(path.name for path in target.parent.iterdir()) == ["clothing-dataset"]

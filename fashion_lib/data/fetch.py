"""Download of the clothing photographs: resumed or cleanly restarted, checked, and unpacked safely.

GitHub makes the archive on request. Its bytes may change, so no SHA-256 is fixed here. Without `sha256` the
checks are:

- the whole archive arrived: its length where the server gives it, else a readable zip directory;
- every unpacked file matches its CRC in the zip;
- images.csv has its columns, nearly every row has its image, and nearly every image opens.

Against a deliberate forgery only HTTPS protects, or a `sha256` that you pass.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from fashion_lib.core.errors import FashionError, cut
from fashion_lib.core.files import system_lock
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.core.words import listed
from fashion_lib.data.archive import check_sha256, extract
from fashion_lib.data.label_table import read_rows
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.sets.clothing import FIELDS, download_folder, photograph_files

URL = "https://github.com/alexeygrigorev/clothing-dataset/archive/refs/heads/master.zip"
ATTEMPTS = 4
TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 18
TOLERATED = 0.01  # share of rows without an image, and of unreadable images; the original has 5 rows of 5,403


def download_clothing(folder: Path | None = None, *, url: str = URL, sha256: str | None = None) -> Path:
    """Fetch the photographs into `folder` (default: data/clothing-dataset of the project) and return it.

    The archive is kept as `<folder>.zip.part` until it is complete, so a run that was cut off goes on where
    it stopped if the server allows it. The folder appears only when everything was unpacked and checked.
    An archive that turns out to be wrong is removed, so that the next run fetches it anew. Of two processes
    that download into one folder, one downloads and the other waits.

    Raises:
        FashionError: no connection, a wrong checksum, an unsafe or damaged archive, a full or unwritable disk.
    """
    folder = Path(folder or download_folder()).resolve()
    archive = folder.with_name(f"{folder.name}.zip.part")
    lock = folder.with_name(f"{folder.name}.zip.lock")
    try:
        if folder.exists() and any(folder.iterdir()):
            return _already_there(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with system_lock(lock):  # the archive's part file is one process's at a time
            try:
                if folder.exists() and any(folder.iterdir()):
                    return _already_there(folder)
                summary = _download_into(folder, archive, url, sha256)
            finally:
                lock.unlink(missing_ok=True)  # while it is held: a process that waits for it makes a new one
    except OSError as error:
        raise FashionError(
            f"the photographs cannot be stored in {folder} ({error}): free some space or choose another "
            "folder, then run the command again."
        ) from error
    print(f"{summary}; they are in {folder}.")
    return folder


def _already_there(folder: Path) -> Path:
    print(f"{check_folder(folder)}; {folder} is already there, nothing was downloaded.")
    return folder


def _download_into(folder: Path, archive: Path, url: str, sha256: str | None) -> str:
    """Fetch, unpack and check; one line of what was found. No archive that is at fault is left behind."""
    fetch(url, archive)
    try:
        check_sha256(archive, sha256)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as space:
            unpacked = Path(space) / "unpacked"
            extract(archive, unpacked)
            try:
                summary = check_folder(unpacked)
            except FashionError as error:
                _forget(archive)  # whole, but not the photographs: the next run must not trust it again
                said = str(error).replace(str(unpacked), "the archive")
                raise FashionError(f"what {url} sends is not the photographs: {said}") from error
            if folder.exists():
                folder.rmdir()  # empty, as seen before
            os.replace(unpacked, folder)
    finally:
        if not archive.exists():  # removed for a fault: what was noted of it goes, too
            _forget(archive)
    _forget(archive)
    return summary


def fetch(url: str, part: Path) -> None:
    """Download `url` to the file `part`, continuing what is there.

    It continues only with a server that answers a range request, and only if the archive is still the same.
    That is known by its strong ETag or Last-Modified, kept in `<part>.json`. Otherwise it starts again.

    Raises:
        FashionError: the address or a redirect is not http(s), the server's answer makes no sense, or the
            download did not finish.
        OSError: `part` cannot be written.
    """
    _check_scheme(url)
    problem = "nothing arrived"
    for _ in range(ATTEMPTS):
        try:
            if _fetch_once(url, part):
                return
            problem = "the connection ended early"
        except urllib.error.HTTPError as error:
            problem = f"HTTP status {error.code}"
            if 300 <= error.code < 400:
                raise FashionError(
                    f"a redirect of {url} is not followed ({' '.join(error.msg.split())}): check the address."
                ) from error
            if error.code == 416:  # our part does not fit the archive that the server has now
                _forget(part)
            elif error.code < 500:
                break
        except (urllib.error.URLError, http.client.HTTPException, _NetworkError) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
    kept = part.stat().st_size if part.exists() else 0
    raise FashionError(
        f"the download of {url} did not finish ({problem}; {kept} bytes are kept): check the connection "
        "and the address, then run the command again to go on."
    )


class _NetworkError(Exception):
    """Reading from the connection failed. Not an OSError, which would be the disk's."""


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects to web addresses only; urllib alone would also follow them to ftp."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_scheme(newurl, req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str, source: str | None = None) -> None:
    """FashionError for an address that is not http(s), or that leaves https."""
    if not url.isascii():
        raise FashionError(f"the address {url} has letters that no address may have: write them as %..")
    try:
        scheme = urllib.parse.urlsplit(url).scheme.lower()
    except ValueError:  # such as "http://[::1"
        scheme = ""
    if scheme not in ("http", "https"):
        named = f"{source} redirects to {url}, which" if source else f"the address {url}"
        raise FashionError(f"{named} does not begin with http:// or https://: check the address.")
    if source and source.lower().startswith("https:") and scheme != "https":
        raise FashionError(
            f"{source} redirects to {url}, which is not protected by https: check the address."
        )


def _fetch_once(url: str, part: Path) -> bool:
    """One request; True when the file is complete."""
    facts = _facts(part)
    request = urllib.request.Request(
        url, headers={"User-Agent": "fashion-lib", "Accept-Encoding": "identity"}
    )
    resume = part.exists() and part.stat().st_size and facts.get("url") == url and facts.get("validator")
    if resume:
        if part.stat().st_size == facts.get("total"):
            return True
        request.add_header("Range", f"bytes={part.stat().st_size}-")
        request.add_header("If-Range", facts["validator"])
    with _answer(request) as answer:
        have = 0
        if answer.status == 206 and resume:
            given = answer.headers.get("Content-Range", "")
            match = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", given)
            if match is None or int(match[1]) != part.stat().st_size:
                _forget(part)
                return False
            have, total = int(match[1]), None if match[2] == "*" else int(match[2])
        elif answer.status == 200:
            total = _given_length(url, answer.headers.get("Content-Length"))
            tag = answer.headers.get("ETag", "")
            validator = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
            _forget(part)
            _facts_file(part).write_text(json.dumps({"url": url, "validator": validator, "total": total}))
        else:
            raise http.client.HTTPException(f"HTTP status {answer.status}, where 200 was expected")
        with (
            part.open("ab") as file,
            progress_bar(
                total=total, initial=have, unit="B", unit_scale=True, leave=False, desc="downloading"
            ) as bar,
        ):
            while block := _received(answer):
                file.write(block)
                bar.update(len(block))
    if total is not None:
        return part.stat().st_size == total
    if zipfile.is_zipfile(part) or getattr(answer, "chunked", False):  # chunks tell their end
        return True
    with part.open("rb") as file:
        begins = file.read(4)
    if begins and not b"PK\3\4".startswith(begins):
        _forget(part)
        raise FashionError(
            f"what {url} sends is no zip archive (it begins with {begins!r}), and was removed: check the address."
        )
    return False


def _given_length(url: str, given: str | None) -> int | None:
    """The length of the archive in bytes, as the server gives it; None if it does not."""
    if not given:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", given.strip()):
        raise FashionError(
            f"the server of {url} gives the length '{cut(given, 40)}' (Content-Length), which is no number of bytes: "
            "check the address, or try again later."
        )
    return int(given)


def _answer(request: urllib.request.Request) -> http.client.HTTPResponse:
    try:
        return urllib.request.build_opener(_WebOnly).open(request, timeout=TIMEOUT)
    except urllib.error.URLError:
        raise
    except OSError as error:
        raise _NetworkError(str(error) or type(error).__name__) from error


def _received(answer: http.client.HTTPResponse) -> bytes:
    """The next block of the answer, b"" at its end."""
    try:
        return answer.read(BLOCK)
    except OSError as error:  # also a plain "No route to host", which must not be blamed on the disk
        raise _NetworkError(str(error) or type(error).__name__) from error


def _facts_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _facts(part: Path) -> dict:
    try:
        facts = json.loads(_facts_file(part).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(facts, dict):
        return {}
    validator = facts.get("validator")
    sendable = isinstance(validator, str) and re.fullmatch(r"[\x20-\x7e]+", validator)  # as a header
    return facts if sendable else {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _facts_file(part).unlink(missing_ok=True)


def check_folder(folder: Path) -> str:
    """Check unpacked photographs file by file; return one line of what was found.

    images.csv must have its columns; at most 1 % of its rows may lack an image and at most 1 % of the images
    may fail to open, else a `FashionError`. Those few are named, and the loader leaves them out.
    """
    rows, lines = read_rows(folder / "images.csv", FIELDS)
    files = sorted((folder / "images").glob("*.[jJ][pP][gG]"))
    missing = sorted(set(rows["image"]) - set(photograph_files(folder, rows, lines)[0]))
    if rows.empty or len(missing) > max(5, TOLERATED * len(rows)):
        raise FashionError(
            f"{len(missing)} of the {len(rows)} rows of {folder / 'images.csv'} have no image "
            f"({listed(missing)}): download them again into an empty folder."
        )
    broken = [
        file.name for file in progress_bar(files, desc="checking", unit="image", leave=False) if not _opens(file)
    ]
    if len(broken) > TOLERATED * len(files):
        raise FashionError(
            f"{len(broken)} of the {len(files)} images in {folder / 'images'} cannot be read "
            f"({listed(broken)}): download them again into an empty folder."
        )
    named = f" ({listed(broken)})" if broken else ""
    return f"{len(files)} photographs, {len(missing)} rows without one, {len(broken)} unreadable{named}"


def _opens(file: Path) -> bool:
    try:
        decode_photograph(file, 32)  # reads every byte, at a fraction of the work of the full size
        return True
    except FashionError:
        return False

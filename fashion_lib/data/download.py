"""Download of the clothing photographs: resumed or cleanly restarted, checked, and unpacked safely.

What is verified, honestly: the archive is made by GitHub on request, so its bytes and hence its SHA-256 are
not promised to stay the same, and none is pinned here. Without `sha256` the checks are: the whole archive
arrived (its length where the server tells it, else a readable zip directory), every unpacked file matches its
CRC in the zip, images.csv has its columns, nearly every row has its image, and nearly every image opens.
Against a deliberate forgery only HTTPS protects, or a `sha256` that you pass.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from fashion_lib.data.archive import check_sha256, extract
from fashion_lib.data.clothing import FIELDS, download_folder
from fashion_lib.data.label_table import read_rows
from fashion_lib.data.photographs import decode_photograph, listed
from fashion_lib.errors import FashionError
from fashion_lib.progress import bar as progress_bar

URL = "https://github.com/alexeygrigorev/clothing-dataset/archive/refs/heads/master.zip"
ATTEMPTS = 4
TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 18
TOLERATED = 0.01  # share of rows without an image, and of unreadable images; the original has 5 rows of 5,403


def download_clothing(folder: Path | None = None, *, url: str = URL, sha256: str | None = None) -> Path:
    """Fetch the photographs into `folder` (default: data/clothing-dataset of the project) and return it.

    The archive is kept as `<folder>.zip.part` until it is complete, so a run that was cut off goes on where
    it stopped if the server allows it. The folder appears only when everything was unpacked and checked.
    Errors: `FashionError` for no connection, a wrong checksum, an unsafe or damaged archive, a full or
    unwritable disk.
    """
    folder = Path(folder or download_folder()).resolve()
    archive = folder.with_name(f"{folder.name}.zip.part")
    try:
        if folder.exists() and any(folder.iterdir()):
            print(f"{check_folder(folder)}; {folder} is already there, nothing was downloaded.")
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        fetch(url, archive)
        check_sha256(archive, sha256)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as space:
            unpacked = Path(space) / "unpacked"
            extract(archive, unpacked)
            try:
                summary = check_folder(unpacked)
            except FashionError:
                _forget(archive)  # whole, but not the photographs: the next run must not trust it again
                raise
            if folder.exists():
                folder.rmdir()  # empty, as seen above
            os.replace(unpacked, folder)
    except OSError as error:
        raise FashionError(
            f"the photographs cannot be stored in {folder} ({error}): free some space or choose another "
            "folder, then run the command again."
        ) from error
    _forget(archive)
    print(f"{summary}; they are in {folder}.")
    return folder


def fetch(url: str, part: Path) -> None:
    """Download `url` to the file `part`, continuing what is there.

    It continues only with a server that answers a range request, and only if the archive is still the same
    one (strong ETag or Last-Modified, kept in `<part>.json`); otherwise it starts again from nothing.
    """
    problem = "nothing arrived"
    for _ in range(ATTEMPTS):
        try:
            if _fetch_once(url, part):
                return
            problem = "the connection ended early"
        except urllib.error.HTTPError as error:
            problem = f"HTTP status {error.code}"
            if error.code == 416:  # our part does not fit the archive that the server has now
                _forget(part)
            elif error.code < 500:
                break
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            ConnectionError,
            TimeoutError,
            ssl.SSLError,
        ) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
    kept = part.stat().st_size if part.exists() else 0
    raise FashionError(
        f"the download of {url} did not finish ({problem}; {kept} bytes are kept): check the connection "
        "and the address, then run the command again to go on."
    )


def _fetch_once(url: str, part: Path) -> bool:
    """One request; True when the file is complete."""
    facts = _facts(part)
    request = urllib.request.Request(
        url, headers={"User-Agent": "fashion-lib", "Accept-Encoding": "identity"}
    )
    if part.exists() and part.stat().st_size and facts.get("url") == url and facts.get("validator"):
        if part.stat().st_size == facts.get("total"):
            return True
        request.add_header("Range", f"bytes={part.stat().st_size}-")
        request.add_header("If-Range", facts["validator"])
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        have = 0
        if answer.status == 206:
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != part.stat().st_size:
                _forget(part)
                return False
            have, total = int(match[1]), None if match[2] == "*" else int(match[2])
        else:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            tag = answer.headers.get("ETag", "")
            validator = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
            part.unlink(missing_ok=True)
            _facts_file(part).write_text(json.dumps({"url": url, "validator": validator, "total": total}))
        with (
            part.open("ab") as file,
            progress_bar(
                total=total, initial=have, unit="B", unit_scale=True, leave=False, desc="downloading"
            ) as bar,
        ):
            while block := answer.read(BLOCK):
                file.write(block)
                bar.update(len(block))
    return zipfile.is_zipfile(part) if total is None else part.stat().st_size == total


def _facts_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _facts(part: Path) -> dict:
    try:
        facts = json.loads(_facts_file(part).read_text())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _facts_file(part).unlink(missing_ok=True)


def check_folder(folder: Path) -> str:
    """Check unpacked photographs file by file; return one line of what was found.

    images.csv must have its columns; at most 1 % of its rows may lack an image and at most 1 % of the images
    may fail to open, else a `FashionError`. Those few are named, and the loader leaves them out.
    """
    rows, _ = read_rows(folder / "images.csv", FIELDS)
    files = sorted((folder / "images").glob("*.jpg"))
    missing = sorted(set(rows["image"]) - {file.stem for file in files})
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

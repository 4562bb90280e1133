"""A downloaded zip archive: its checksum, and unpacking that cannot write outside its folder.

`zipfile.extractall` drops unsafe parts of a name and goes on; an archive that has such names is not the one
that was asked for, so here it is refused as a whole.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from fashion_lib.errors import FashionError
from fashion_lib.progress import bar as progress_bar

LARGEST = 20 << 30  # bytes unpacked: above any sensible size of the archives the course reads


def check_sha256(archive: Path, sha256: str | None) -> None:
    """Compare the archive's SHA-256 with `sha256` (None: nothing to compare). A wrong archive is removed."""
    if sha256 is None:
        return
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        archive.unlink()
        raise FashionError(
            f"the downloaded archive has the SHA-256 {found} instead of {sha256} and was removed: run "
            "the command again, or check the expected value."
        )


def extract(archive: Path, folder: Path) -> None:
    """Unpack the archive's top folder as `folder`, refusing every entry that could land elsewhere.

    Refused: absolute names, "..", backslashes, drive letters, links and other special files, and archives
    that would unpack to more than the disk or `LARGEST` holds.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = zipped.infolist()
            unsafe = next((entry.orig_filename for entry in entries if _is_unsafe(entry)), None)
            if unsafe is not None:
                archive.unlink()
                raise FashionError(
                    f"the archive contains the unsafe entry '{unsafe}', so nothing of it was kept: check the "
                    "address and download it from its public home."
                )
            size = sum(entry.file_size for entry in entries)
            if size > min(LARGEST, shutil.disk_usage(folder.parent).free):
                raise FashionError(
                    f"the archive {archive} would unpack to {size / 2**20:.0f} MiB, more than fits or "
                    "is expected: free some space or check the archive."
                )
            for entry in progress_bar(entries, desc="unpacking", unit="file", leave=False):
                inside = PurePosixPath(entry.filename).parts[1:]
                if entry.is_dir() or not inside:
                    continue
                target = folder.joinpath(*inside)
                target.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(entry) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)  # reading to the end checks the entry's CRC
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        archive.unlink()
        raise FashionError(
            f"the downloaded archive {archive} is damaged ({error}) and was removed: run the command again."
        ) from error


def _is_unsafe(entry: zipfile.ZipInfo) -> bool:
    # orig_filename: ZipInfo cuts `filename` at a NUL byte and turns the system's separators into "/"
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    outside = name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in PurePosixPath(name).parts
    return bool(outside) or "\\" in name or "\0" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR)

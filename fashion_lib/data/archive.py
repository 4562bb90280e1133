"""A downloaded zip archive: its checksum, and unpacking that cannot write outside its folder.

`zipfile.extractall` drops unsafe parts of a name and goes on; an archive that has such names is not the one
that was wanted, so here it is refused as a whole.
"""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.progress import bar as progress_bar

# What a name in the archive causes in a fresh folder: too long, not encodable, a file that is a folder, too.
NAME_ERRORS = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
BLOCK = 1 << 20
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

    Args:
        archive: a zip file. It is removed if it is at fault, so that it is not read again.
        folder: a folder that does not exist yet, in one that does.

    Raises:
        FashionError: the archive is damaged, unsafe or too large.
        OSError: `folder` cannot be written to. The archive is kept.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = zipped.infolist()
            unsafe = next((entry.orig_filename for entry in entries if _is_unsafe(entry)), None)
            if unsafe is not None:
                archive.unlink()
                raise FashionError(
                    f"the archive contains the unsafe entry {shortened(unsafe, 120)}, so nothing of it was kept: "
                    "check the address and download it from its public home."
                )
            _check_size(archive, sum(entry.file_size for entry in entries), folder)
            for entry in progress_bar(entries, desc="unpacking", unit="file", leave=False):
                inside = PurePosixPath(entry.filename).parts[1:]
                if not entry.is_dir() and inside:
                    _unpack(zipped, entry, folder.joinpath(*inside))
    except (FashionError, _DiskError):
        raise
    # zipfile and the decompressors raise BadZipFile, LZMAError, zlib.error, UnicodeDecodeError, EOFError,
    # RuntimeError (encrypted), NotImplementedError, ValueError, struct.error, and OSError for damaged bzip2.
    except Exception as error:
        archive.unlink(missing_ok=True)
        reason = str(error) or type(error).__name__
        raise FashionError(
            f"the downloaded archive {archive} is damaged ({reason}) and was removed: run the command again."
        ) from error


class _DiskError(OSError):
    """A file cannot be written: not the archive's fault."""


def _check_size(archive: Path, size: int, folder: Path) -> None:
    """FashionError for an archive that unpacks to more bytes than expected, or than the disk has left."""
    if size > LARGEST:
        archive.unlink()
        raise FashionError(
            f"the archive {archive} would unpack to {size / 2**20:.0f} MiB, more than is expected, and was "
            "removed: check the address and download it from its public home."
        )
    free = shutil.disk_usage(folder.parent).free
    if size > free:
        raise FashionError(
            f"the archive {archive} would unpack to {size / 2**20:.0f} MiB, more than fits into the "
            f"{free / 2**20:.0f} MiB that are free: free some space, then run the command again."
        )


def _unpack(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one entry; reading to its end checks its CRC. Errors of writing are `_DiskError`."""
    with zipped.open(entry) as source:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            sink = target.open("xb")  # x: two entries of one name contradict each other
        except OSError as error:
            if error.errno in NAME_ERRORS:
                raise
            raise _DiskError(*error.args) from error
        with sink:
            while block := source.read(BLOCK):
                try:
                    sink.write(block)
                except OSError as error:
                    raise _DiskError(*error.args) from error


def _is_unsafe(entry: zipfile.ZipInfo) -> bool:
    # orig_filename: ZipInfo cuts `filename` at a NUL byte and turns the system's separators into "/"
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    outside = name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in PurePosixPath(name).parts
    return bool(outside) or "\\" in name or "\0" in name or kind not in (0, stat.S_IFREG, stat.S_IFDIR)

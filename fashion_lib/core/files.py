"""Files that exist whole or not at all."""

import os
import tempfile
from pathlib import Path

from fashion_lib.core.errors import FashionError


def write_atomically(path: Path, text: str) -> Path:
    """Write text to a file that either exists whole or keeps its old content; FashionError when the disk refuses."""
    path, temporary = Path(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise FashionError(f"{path} cannot be written ({error.strerror}): free some space or choose a writable"
                           " folder with FASHION_RUNS.") from error
    return path

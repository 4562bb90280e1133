"""Whether a record is that of the run beside it: its settings, data and weights, not only its place."""

import json
from collections.abc import Mapping
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.runs.data_versions import same_version
from fashion_lib.runs.record import RunRecord


def check_same_run(record: RunRecord, made: Mapping[str, object], path: Path) -> None:
    """Compare a record with the run that it lies beside; what an older record does not name is not compared.

    Args:
        record: as read.
        made: name -> value of the run: "parameters", "start", "data_version", "pixels" and settings.
        path: the record's file, for the error sentence.

    Raises:
        FashionError: names the first value that differs.
    """
    held = {"parameters": record.parameters, "start": record.start}
    held |= json.loads(json.dumps(record.config, default=str))
    for name, wanted in json.loads(json.dumps(dict(made), default=str)).items():
        found = held.get(name, wanted)
        version = name == "data_version" and isinstance(found, str) and same_version(found, wanted)
        if (found != wanted and not version) or isinstance(found, bool) != isinstance(wanted, bool):
            raise FashionError(
                f"{path} is the record of another run ({name} {shortened(found)} instead of {shortened(wanted)}): "
                f"delete {path.parent} to make it anew."
            )

"""What one run leaves behind: its folder and its JSON record."""

import ast
import json
import math
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.core.provenance import commit, hardware, versions

RECORD_NAME = "result.json"


@dataclass
class RunRecord:
    """Everything a table needs to know of one run.

    metrics and localisation: metric -> attribute name (or overall, macro, local) -> value. minutes: training and
    evaluation. image_passes: backbone passes an image costs at test time. parameters: count. start: start weights.
    """

    method: str
    variant: str
    dataset: str
    profile: str
    seed: int
    metrics: dict[str, dict[str, float]]
    minutes: float
    parameters: int = 0
    image_passes: int = 1
    start: str = ""
    precision: str = ""
    config: dict = field(default_factory=dict)
    localisation: dict[str, dict[str, float]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    commit: str = field(default_factory=commit)
    versions: dict[str, str] = field(default_factory=versions)
    hardware: str = field(default_factory=hardware)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def save(self, path: Path) -> Path:
        """Write the record as JSON, wholly or not at all; returns the path."""
        for metric, row in (self.metrics | self.localisation).items():
            for attribute, value in row.items():
                if not math.isfinite(value):
                    raise FashionError(
                        f"{metric} of {attribute} is {value} in the run {self.method}.{self.variant} seed {self.seed},"
                        " which no table can hold: check the training for divergence.")
        return write_atomically(path, json.dumps(asdict(self), indent=1, default=str) + "\n")

    @classmethod
    def load(cls, path: Path) -> "RunRecord":
        """Read a record; FashionError names a file that is cut off or has fields this version does not know."""
        path = Path(path)
        known = {f.name for f in fields(cls)}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or not set(content) <= known:
                raise ValueError("it is not a record of this version")
            return cls(**content)
        except (OSError, ValueError, TypeError) as error:
            raise FashionError(f"the run record {path} cannot be read ({error}):"
                               " delete that file and run again.") from error


def variant_label(variant: str, **changed) -> str:
    """The variant's name in records when a run departs from its profile: "v2", or "v2+start=reconstruction"."""
    return "+".join([variant, *(f"{name}={value}" for name, value in sorted(changed.items()))])


def read_label(variant: str) -> tuple[str, dict[str, object]]:
    """The inverse of variant_label: "v2+steps=9" to ("v2", {"steps": 9}); what is no Python literal stays text."""
    name, *changed = variant.split("+")
    return name, {key: _literal(text) for key, _, text in (part.partition("=") for part in changed)}


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def run_dir(dataset: str, profile: str, method: str, variant: str, seed: int) -> Path:
    """Folder of one run (not created here): runs/<dataset>/<profile>/<method>.<variant>/seed<k>."""
    return paths.runs_dir() / dataset / profile / f"{method}.{variant}" / f"seed{seed}"

"""What one run leaves behind: its folder and its JSON record."""

import ast
import glob
import json
import math
import os
import re
import shutil
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import parsed_json, write_atomically
from fashion_lib.core.paths import plain_name
from fashion_lib.core.provenance import commit, hardware, versions
from fashion_lib.core.schema import Schema
from fashion_lib.core.typed import check_seed, check_type, is_utc_time, shortened
from fashion_lib.core.words import listed, one_line
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import METHODS
from fashion_lib.parts.timm_networks import PREFIX

RECORD_NAME = "result.json"
VALIDATION = "validation"  # metric: the validation score that selected the weights, in percent
RERANKED = "+fr"  # behind the method of a run that feature reasoning re-ranks
PREFIX_IN_LABEL = "timm="  # of a timm network's name: no folder may have a colon in its name
RUN = ("dataset", "method", "variant", "profile", "seed")  # what names a run in every table


def now() -> str:
    """Return the time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class RunRecord:
    """Hold everything that a table needs of one run.

    Attributes:
        metrics, localisation: metric -> attribute name (or overall, macro, local; or a beta) -> value.
        minutes: of training and evaluation.
        parameters: their number.
        image_passes: passes through the backbone per image at test time.
        start: the start weights.
        counts: "queries", "candidates", "without_relevant" -> attribute name -> number.
        created: time of the record in UTC, ISO 8601.
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
    created: str = field(default_factory=now)

    def save(self, path: Path) -> Path:
        """Write the record as JSON, wholly or not at all.

        Returns:
            The path.

        Raises:
            FashionError: a value is of another type, NaN or infinite, or the disk refuses.
        """
        text = json.dumps(asdict(self), indent=1, default=str)
        name = f"{self.method}.{self.variant} seed {self.seed}"
        try:
            _check(json.loads(text))
        except ValueError as error:
            raise FashionError(f"the record of the run {name} is wrong ({error}): correct what made it.") from error
        for metric, row in (self.metrics | self.localisation).items():
            for attribute, value in row.items():
                if not math.isfinite(value):
                    raise FashionError(f"{metric} of {attribute} is {value} in the run {name}, which no table can hold:"
                                       " check the training for divergence.")
        try:
            parsed_json(text)
        except ValueError as error:
            raise FashionError(f"the record of the run {name} is wrong ({error}): correct what made it.") from error
        return write_atomically(path, text + "\n")

    @classmethod
    def load(cls, path: Path) -> "RunRecord":
        """Read a record; one that lies in the runs folder must be of the run whose folder it lies in.

        Raises:
            FashionError: the file is cut off, has missing, unknown or mistyped fields, or is another run's.
        """
        path = Path(path)
        try:
            content = parsed_json(path.read_text(encoding="utf-8"))
            _check(content)
        except FileNotFoundError:
            raise FashionError(f"there is no run record {path}: name the folder of a finished run.") from None
        except (OSError, ValueError) as error:
            raise FashionError(f"the run record {path} cannot be read ({error}):"
                               " delete that file and run again.") from error
        record = cls(**content)
        place, runs = path.absolute(), paths.runs_dir().absolute()
        if place.is_relative_to(runs):
            try:
                own = run_dir(record.dataset, record.profile, record.method, record.variant, record.seed) / RECORD_NAME
            except FashionError as error:
                raise FashionError(f"the run record {path} names a run that cannot be: {error}") from error
            if own.absolute() != place:
                raise FashionError(f"the run record {path} is that of another run, which belongs into {own.parent}:"
                                   " delete that file and run again.")
        return record


def _check(content: object) -> None:
    """Check what a record's file holds.

    Raises:
        ValueError: names the first field that is missing, unknown or of another type.
    """
    if not isinstance(content, dict):
        raise ValueError("it is not a record of this version")
    known = [f.name for f in fields(RunRecord)]
    if unknown := set(content) - set(known):
        raise ValueError(f"it is not a record of this version: {shortened(min(unknown))} is not known")
    if missing := [name for name in known if name not in content]:
        raise ValueError(f"{missing[0]} is missing")
    check_type(content, RunRecord)
    for name in ("method", "variant", "dataset", "profile", "commit"):
        if content[name].strip() != content[name] or not content[name]:
            raise ValueError(f"{name} is {shortened(content[name])}")
    _check_tabular(content)
    for name in ("seed", "minutes", "parameters", "image_passes"):
        if not 0 <= content[name] < 2**63:
            raise ValueError(f"{name} is {shortened(content[name])}")


def _check_tabular(content: dict) -> None:
    """Check what goes into the ledger and the list of runs, which would be unreadable with one bad cell."""
    for name in ("commit", "created", "hardware", "precision", "start", "dataset", "method", "variant", "profile"):
        if not one_line(content[name]):
            raise ValueError(f"{name} is {shortened(content[name])}, which is not one line of text")
    if not is_utc_time(content["created"]):  # tables take the newest run's data version
        raise ValueError(f"created is {shortened(content['created'])}, which is no time in UTC")
    for name in ("metrics", "localisation", "counts"):
        for key in {*content[name], *(attribute for row in content[name].values() for attribute in row)}:
            if not key or key.strip() != key or not one_line(key):
                raise ValueError(f"{name} holds the name {shortened(key)}")
    if both := sorted(content["metrics"].keys() & content["localisation"].keys()):
        raise ValueError(f"metrics and localisation both hold {shortened(both[0])}")  # one would hide the other
    for metric, row in content["counts"].items():
        for attribute, number in row.items():
            if not 0 <= number < 2**53:
                raise ValueError(f"the count {metric} of {attribute} is {shortened(number)}")
    config = content["config"]
    version, passes = config.get("data_version", ""), config.get("training_image_passes", 0)
    if not isinstance(version, str) or not one_line(version):
        raise ValueError(f"the data version is {shortened(version)}")
    if passes != "" and (type(passes) is not int or not 0 <= passes < 2**53):  # old records have it empty
        raise ValueError(f"training_image_passes is {shortened(passes)}")


def variant_label(variant: str, **changed) -> str:
    """Return the variant's name in records: "v2", or "v2+start=reconstruction" when a run departs from its profile."""
    texts = {name: str(value).replace(PREFIX, PREFIX_IN_LABEL) for name, value in sorted(changed.items())}
    return "+".join([variant, *(f"{name}={text}" for name, text in texts.items())])


def base_method(method: str) -> str:
    """Return the method that a record's method re-ranks or is: "ipad" for "ipad+fr" and for "ipad"."""
    return method.removesuffix(RERANKED)


def read_label(variant: str) -> tuple[str, dict[str, object]]:
    """Undo variant_label: "v2+steps=9" to ("v2", {"steps": 9}); what is no Python literal stays text."""
    name, *changed = variant.split("+")
    return name, {key: _literal(text) for key, _, text in (part.partition("=") for part in changed)}


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return PREFIX + text.removeprefix(PREFIX_IN_LABEL) if text.startswith(PREFIX_IN_LABEL) else text


def run_dir(dataset: str, profile: str, method: str, variant: str, seed: int) -> Path:
    """Return the folder of one run, runs/<dataset>/<profile>/<method>.<variant>/seed<k>. It is not created here.

    Raises:
        FashionError: a name is no plain folder name, or the seed no whole number from 0 to 2^63 - 1.
    """
    names = [plain_name(dataset, "data set"), plain_name(profile, "profile")]
    for name, what in ((method, "method"), (variant, "variant")):
        plain_name(name, what)
    names.append(plain_name(f"{method}.{variant}", "variant"))
    check_seed(seed)
    return paths.runs_dir().joinpath(*names, f"seed{seed}")


def check_own_folder(folder: Path) -> None:
    """Check that a folder is one that `run_dir` names, and that no link leads out of the runs folder on the way.

    Raises:
        FashionError: it is not.
    """
    folder, runs = Path(folder), paths.runs_dir()
    inside = folder.relative_to(runs).parts if folder.is_relative_to(runs) else ()
    plain = len(inside) == 4 and ".." not in inside and re.fullmatch(r"seed\d+", inside[-1])
    # From runs/ down, no part may be a link: what it leads to is not this run's.
    if not plain or folder.resolve() != runs.resolve().joinpath(*inside):
        raise FashionError(
            f"{folder} is not deleted because it is no run's own folder below {runs}: delete it by hand if you mean to."
        )


def delete_run(folder: Path) -> None:
    """Delete a run's folder with all that is in it, if it is there. Nothing outside the runs folder is ever deleted.

    Raises:
        FashionError: `check_own_folder` refuses it, or the disk does.
    """
    check_own_folder(folder)
    try:
        if Path(folder).exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise FashionError(
            f"the run in {folder} cannot be deleted ({error.strerror or error}): make that folder writable."
        ) from error


def local_records(
    dataset: str | None = None, profile: str | None = None, *, for_tables: bool = False
) -> list[RunRecord]:
    """Return the records of this machine's finished runs, of one data set and profile where they are named.

    Runs of an earlier edition of their method are left out, and a warning names them: no table mixes editions.

    Args:
        dataset, profile: names; None takes all.
        for_tables: only those that tables show beside the ledger. With `paths.LEDGER_ALONE` set there are none: a
            notebook that is executed to be committed shows the ledger.

    Raises:
        FashionError: a name is no plain folder name, or a record is damaged or lies in another run's folder.
    """
    chosen = [
        "*" if name is None else glob.escape(plain_name(name, what))
        for name, what in ((dataset, "data set"), (profile, "profile"))
    ]
    if for_tables and os.environ.get(paths.LEDGER_ALONE):
        return []
    found = sorted(paths.runs_dir().glob(f"{'/'.join(chosen)}/*/seed*/{RECORD_NAME}"))
    records = [RunRecord.load(path) for path in found]
    current = [record for record in records if of_this_edition(record)]
    if len(current) < len(records):
        others = Counter(f"{record.method} ({record.variant})" for record in records if not of_this_edition(record))
        warnings.warn(
            f"{others.total()} runs were made by another edition of their method "
            f"({listed([f'{count} of {name}' for name, count in others.items()])}) and stand in no table: delete their "
            "folders to train them anew.",
            stacklevel=2,
        )
    return current


def edition_setting(model: RetrievalModel) -> dict[str, int]:
    """Return {"edition": N} for a model of a later edition than the first, else {}: runs of the first name none."""
    return {name: value for name, value in model.architecture.items() if name == "edition"}


def measured_attributes(record: RunRecord, schema: Schema) -> list[int]:
    """Return the ids of the attributes that a run of retrieval is scored on: those that its training had."""
    return [a for a, name in enumerate(schema.names) if name in record.metrics["map"]]


def of_this_edition(record: RunRecord) -> bool:
    """Return whether a record is of the present edition of its method; "ipad+fr" has that of "ipad"."""
    method = METHODS.get(base_method(record.method))
    return method is None or record.config.get("edition", 1) == method.edition_of(record.variant)


def selected_by(score: float | None) -> dict[str, dict[str, float]]:
    """Return the metric VALIDATION for a validation score in [0, 1]; {} where nothing was validated."""
    return {} if score is None else {VALIDATION: {"overall": 100 * score}}

"""The methods of both tasks by name: how to build one, its variants, and where it comes from.

Each method's file registers itself with `@method(...)`; this file knows none of them by name. Add a method: write one
new file in this folder. The registry finds it when it is first read.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import torch

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.typed import check_has, check_seed, shortened
from fashion_lib.core.words import suggestion
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.parts.start_files import start_digest

Builder = Callable[..., RetrievalModel]
TASKS = ("retrieval", "manipulation")
LAST = 1_000  # the order of a method that does not say where it stands in tables


@dataclass(frozen=True)
class Method:
    """One method. build(schema, backbone, start, variant, seed, **options) returns its model.

    variants: the first is the default. task: "retrieval" or "manipulation". order: place in tables, simplest first.
    edition: one more whenever the method's models compute something else than before. Runs of another edition are
    refused instead of loaded. A mapping gives the editions of single variants; the others are of the first one.
    """

    name: str
    build: Builder
    variants: tuple[str, ...]
    reference: str
    task: str = "retrieval"
    trainable: bool = True
    order: int = LAST
    edition: int | Mapping[str, int] = 1

    def edition_of(self, variant: str) -> int:
        """Return the edition of a variant, given by its name or by a label such as "code+steps=2160"."""
        if isinstance(self.edition, Mapping):
            return self.edition.get(variant.partition("+")[0], 1)
        return self.edition


class UnknownMethod(FashionError, KeyError):
    """No method has that name. It is a KeyError, too, because the registry is read like a dictionary."""

    __str__ = FashionError.__str__  # a KeyError would print the sentence in quotation marks


_registered: dict[str, Method] = {}


def method(
    name: str,
    *,
    reference: str,
    variants: tuple[str, ...] = ("default",),
    task: str = "retrieval",
    trainable: bool = True,
    order: int = LAST,
    edition: int | Mapping[str, int] = 1,
) -> Callable[[Builder], Builder]:
    """Register the decorated builder as a method; the arguments are the fields of `Method`.

    Raises:
        FashionError: when another file has registered the name, the edition is no whole number of at least 1, or it
            is given for a variant that the method does not have.
    """
    given = edition if isinstance(edition, Mapping) else dict.fromkeys(variants, edition)
    for variant, number in given.items():
        if variant not in variants:
            raise FashionError(f"the method '{name}' has no variant {variant!r} that an edition could be of.")
        if type(number) is not int or number < 1:
            raise FashionError(f"the method '{name}' has the edition {number!r}: count its editions 1, 2, 3, ...")

    def register(build: Builder) -> Builder:
        earlier = _registered.get(name)
        if earlier is not None and earlier.build.__module__ != build.__module__:
            raise FashionError(
                f"two files register the method '{name}' ({earlier.build.__module__} and {build.__module__}): "
                "rename one of them."
            )
        _registered[name] = Method(name, build, tuple(variants), reference, task, trainable, order, edition)
        return build

    return register


class Methods(Mapping[str, Method]):
    """The registered methods of one task (None: of all) in the order of tables, read like a dictionary."""

    def __init__(self, task: str | None = None):
        self.task = task

    def _found(self) -> dict[str, Method]:
        import_methods()
        found = [entry for entry in _registered.values() if self.task in (None, entry.task)]
        return {entry.name: entry for entry in sorted(found, key=lambda e: (e.task != "retrieval", e.order, e.name))}

    def __getitem__(self, name: str) -> Method:
        found = self._found()
        if name not in found:
            raise UnknownMethod(f"there is no method {shortened(name)}: {suggestion(name, tuple(found))}")
        return found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def known(self, name: str) -> Method:
        """Return the method of that name, as [name] does. Raises FashionError with the nearest known name."""
        return self[name]


def as_table(task: str | None = None) -> pd.DataFrame:
    """Return the methods as a table, in the order of tables, simplest first.

    Args:
        task: "retrieval" or "manipulation"; None is both.

    Returns:
        Method's name -> task, variants (the first is the default), reference, and what its default variant cost on the
        wardrobe with the laptop profile: parameters, minutes of training and evaluation (mean over seeds).

    Raises:
        FashionError: for another task.
    """
    if task not in (None, *TASKS):
        raise FashionError(f"there is no task {shortened(task)}: {suggestion(str(task), TASKS)}")
    measured = _measured_costs()
    rows = {
        entry.name: (entry.task, ", ".join(entry.variants), entry.reference, *measured.get(entry.name, ("", "")))
        for entry in Methods(task).values()
    }
    columns = ["task", "variants", "reference", "parameters", "minutes"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("method")


def _measured_costs() -> dict[str, tuple[str, str]]:
    """Method -> parameters and minutes of its default variant, from the committed list of runs."""
    file = paths.run_list_file()
    if not file.is_file():
        return {}
    made = pd.read_csv(file, dtype=str, keep_default_na=False)
    made = made[made["dataset"].isin(["wardrobe", "wardrobe_manipulation"]) & (made["profile"] == "laptop")]
    found = {}
    for (name, variant), runs in made.groupby(["method", "variant"]):
        if name in METHODS and variant == METHODS[name].variants[0]:
            minutes = pd.to_numeric(runs["minutes"]).mean()
            found[name] = (f"{int(runs['parameters'].iloc[0]):,}", f"{minutes:.1f}")
    return found


def import_methods() -> None:
    """Import every file of this folder once, so that each has registered its methods."""
    package = importlib.import_module("fashion_lib.methods")
    for found in pkgutil.walk_packages(package.__path__, "fashion_lib.methods."):
        importlib.import_module(found.name)


METHODS = Methods()
RETRIEVAL_METHODS = Methods("retrieval")
MANIPULATION_METHODS = Methods("manipulation")


def known_variant(method: str, variant: str | None) -> str:
    """Return the variant, or the method's default for None.

    Raises:
        FashionError: for an unknown method or variant; the sentence names the known ones.
    """
    known = METHODS.known(method).variants
    if variant and variant not in known:
        raise FashionError(f"Method '{method}' has no variant {shortened(variant)}: choose one of {', '.join(known)}.")
    return variant or known[0]


def build_model(
    method: str,
    schema: Schema,
    *,
    backbone: str = "small",
    variant: str | None = None,
    start: str = "pretext",
    seed: int = 0,
    **options,
) -> RetrievalModel:
    """Build a method's model for the attributes of `schema`; draw its new layers from `seed`.

    Args:
        method: a name of METHODS.
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        variant: one of the method's; None is its default.
        seed: of the new layers. torch's own random state stays as it was.
        options: the constructor's switches, such as spatial and channel of asen.

    Raises:
        FashionError: for an unknown method, variant or option, and for start weights that are missing or do not fit.
    """
    entry = METHODS.known(method)
    check_seed(seed)
    check_has(schema, ("attributes", "names"), "schema of attributes", "give that of a data set, such as data.schema")
    variant = known_variant(method, variant)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # the layers are drawn on the CPU; a GPU's generator stays as it is
        try:
            model = entry.build(schema, backbone, start, variant, seed, **options)
        except FashionError:
            raise
        except Exception as error:  # a constructor that was given a value of another type, or one out of range
            reason = " ".join(str(error).split())[:200]  # torch's run over many lines
            raise FashionError(
                f"Method '{method}' does not take the options {options} ({reason}): correct them or leave them out."
            ) from error
    model.architecture = {"method": method, "variant": variant, "backbone": backbone, "options": options}
    if entry.edition_of(variant) > 1:  # runs from before there were editions are of the first one
        model.architecture["edition"] = entry.edition_of(variant)
    model.start = start
    if entry.trainable:
        model.start_digest = "; ".join(filter(None, [start_digest(backbone, start), model.second_start]))
    return model

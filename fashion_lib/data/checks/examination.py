"""Examine a folder: find its list files by name, read each, run the checks of its kind, then look at the pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fashion_lib.core.errors import FashionError
from fashion_lib.data.checks.asen_rows import attributes_of
from fashion_lib.data.checks.cache_cost import Cost, cache_cost
from fashion_lib.data.checks.file_kinds import KINDS, OWN, kind_of
from fashion_lib.data.checks.finding import Finding, one_per_fault, worst_first
from fashion_lib.data.checks.folder_walk import walk
from fashion_lib.data.checks.listings import Around, Listing, read_listing, released_facts
from fashion_lib.data.checks.near_duplicates import check_near
from fashion_lib.data.checks.picture_checks import check_equal, check_pictures, look_at_all
from fashion_lib.data.checks.picture_names import Named, PicturePlaces, check_found, shares
from fashion_lib.data.checks.protocol_proof import (
    Floor,
    Proof,
    as_released,
    check_checksums,
    check_proof,
    prove,
)
from fashion_lib.data.picture_files import PICTURE_ENDINGS
from fashion_lib.data.sets import REAL, find_real

DATASETS = tuple(name for name, facts in released_facts().items() if isinstance(facts, dict))
WHICH = ("all", "sample", "none")
SAMPLE = 2_000  # pictures
META = "ASEN meta"
EXACT = ("ASEN", "ADDE", "Zappos", "own")  # kinds of lists whose readers open them by their exact name
OF_PAPERS = {"ASEN filenames", "Zappos triplets", "Zappos paths"}  # kinds of the papers' lists
LABELLED = ("fashionai", "deepfashion")  # sets that pictures alone give no label of


@dataclass
class Examination:
    """Everything that was found in a folder.

    Attributes:
        dataset: name of the data set, or OWN.
        folder: the folder.
        layout: what the data set's reader recognises in it; "" where it reads nothing of it.
        lists: kinds of files that were recognised -> their files.
        findings: worst first.
        released: list -> whether it is the released file, for lists whose checksum the library knows.
        proofs: the expected MAP of a random order, one per split.
        shares: split -> attribute -> (rows whose picture is there, all rows).
        named, found, looked: numbers of pictures: in lists, on the disk, looked at.
        costs: of reading the pictures, one per size.
    """

    dataset: str
    folder: Path
    layout: str = ""
    lists: dict[str, list[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    released: dict[str, bool] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    shares: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    named: int = 0
    found: int = 0
    looked: int = 0
    costs: list[Cost] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    def as_dict(self) -> dict:
        """Return all of it for JSON."""
        parts = {
            name: getattr(self, name)
            for name in ("dataset", "layout", "lists", "released", "shares", "named", "found", "looked")
        }
        return parts | {
            "folder": str(self.folder),
            "good": self.good,
            "findings": [finding.as_dict() for finding in self.findings],
            "proofs": [proof.as_dict() for proof in self.proofs],
            "costs": [cost.as_dict() for cost in self.costs],
        }


def examine_folder(
    dataset: str,
    folder: str | os.PathLike,
    floor: Floor,
    *,
    pictures: str = "sample",
    sizes: Sequence[int] = (),
) -> Examination:
    """Run all checks on a folder; nothing in it is changed.

    Args:
        dataset: one of DATASETS, or any other name for a folder of one's own pictures.
        folder: where the files are, in any layout below it.
        floor: the expected AP of a random order, see `prove`.
        pictures: "all", "sample" (at most SAMPLE, spread evenly) or "none".
        sizes: sides in pixels for which the cost of reading the pictures is measured.

    Returns:
        The findings, worst first, and the numbers beside them.

    Raises:
        FashionError: the folder is not there, or `pictures` is another word.
    """
    root = Path(folder)
    if pictures not in WHICH:
        raise FashionError(f"pictures is {pictures!r}: choose one of {', '.join(WHICH)}.")
    if not root.is_dir():
        raise FashionError(f"{root} is not a folder: give the folder that holds the data set.")
    kind = dataset if dataset in DATASETS else OWN
    done, around = Examination(dataset, root), Around(kind)
    files, folders = walk(root, kind, done.findings)
    around.files = frozenset([*files, *folders])
    _read_lists(root, around, done)
    if not done.lists:
        done.findings.append(_nothing(dataset, kind, files))
    for listing in list(around.listings.values()):
        for check in KINDS[listing.kind].checks:
            done.findings += check(listing, around)
    if all((root / file).is_file() for file in around.files if not file.lower().endswith(PICTURE_ENDINGS)):
        _recognise(root, done)  # a reader would wait for ever for a pipe's writer
    _prove(around, done, floor)
    _look(root, around, done, files, pictures, sizes)
    done.findings = worst_first(one_per_fault(done.findings))
    return done


def _nothing(dataset: str, kind: str, files: list[str]) -> Finding:
    """The finding of a folder without any list; pictures alone are a fair beginning of one's own data set."""
    if kind == OWN and any(file.lower().endswith(PICTURE_ENDINGS) for file in files):
        advice = "write one to train on the pictures; without labels they can be searched"
        return Finding("note", ".", None, "there is no labels.csv: only the pictures were checked", advice)
    shown = [x.name.replace("\\", "").replace(".*", "*") for x in KINDS.values() if kind in x.datasets]
    what = f"no file of {dataset} is here: looked for {', '.join(shown)}"
    return Finding("error", ".", None, what, "give the folder that holds these files")


def _read_lists(root: Path, around: Around, done: Examination) -> None:
    kinds = {file: kind_of(around.dataset, file) for file in sorted(around.files)}
    lists = [file for file, key in kinds.items() if key is not None and key != META]
    folders = {PurePosixPath(file).parent for file in lists}
    for file, key in kinds.items():
        folder = PurePosixPath(file).parent
        other = key == META and folders and not any(folder in (place, place.parent) for place in folders)
        if key is None or other:  # a meta.json elsewhere is another project's
            continue
        done.lists.setdefault(key, []).append(file)
        listing, findings = read_listing(root / file, file, key, KINDS[key], around.facts)
        done.findings += findings
        if listing is not None:
            around.listings[file] = listing
            done.findings += _capitals(listing)


def _capitals(listing: Listing) -> list[Finding]:
    """The finding of a list whose name has capitals, as some file systems and unpackers leave it."""
    if PurePosixPath(listing.file).name == listing.name:
        return []
    severity = "error" if listing.kind.startswith(EXACT) else "warning"
    what = "its name has capital letters, and readers open it in small ones"
    return [Finding(severity, listing.file, None, what, f"rename it to {listing.name}")]


def _recognise(root: Path, done: Examination) -> None:
    """Say what the data set's own reader finds; what it cannot read is a finding, too."""
    if done.dataset not in REAL:
        return
    try:
        found = find_real(done.dataset, root)
    except (FashionError, OSError) as error:
        what = f"the reader stops: {str(error).rstrip('.')}"
        done.findings.append(Finding("error", ".", None, what, "correct that file"))
        return
    if found is not None:
        done.layout = found.layout
        if found.lists is None and not found.labels and done.dataset in LABELLED and done.lists:
            what = "pictures or single files are here, but nothing that labels them: the reader would stop"
            advice = "put the papers' lists or the raw labels beside the pictures; unpack archives of lists"
            done.findings.append(Finding("error", ".", None, what, advice))
        elif found.lists is None and OF_PAPERS & set(done.lists):
            file = next(done.lists[kind][0] for kind in done.lists if kind in OF_PAPERS)
            what = "lists of the papers are here, and the reader does not take them: it would split the data itself"
            advice = "give files and folders their released names, and correct the first lines"
            done.findings.append(Finding("warning", file, None, what, advice))
        done.findings += _lists_twice(root, found.lists, done)
    elif done.lists:
        what = "the reader does not recognise this layout, although single files are known"
        advice = "complete the files, or undo a change of folder names"
        done.findings.append(Finding("warning", ".", None, what, advice))


def _lists_twice(root: Path, taken: Path | None, done: Examination) -> list[Finding]:
    """The finding of a second set of the papers' lists, such as one of another download."""
    folders = {str(PurePosixPath(file).parent) for file in done.lists.get("ASEN filenames", ())}
    if taken is None or len(folders) < 2:
        return []
    here = taken.relative_to(root).as_posix()
    others = tuple(sorted(folders - {here}))
    what = f"lists of this data set lie in {len(folders)} folders, and the reader takes those of {here}"
    return [Finding("warning", others[0], None, what, "move the others away", others[1:])]


def _prove(around: Around, done: Examination, floor: Floor) -> None:
    known = ((x.file, as_released(x, around)) for x in around.listings.values())
    done.released = {file: same for file, same in known if same is not None}
    done.findings += check_checksums(done.released)
    for listing in around.listings.values():
        candidates = around.beside(listing, f"candidate_{listing.split}.txt")
        if listing.kind == "ASEN evaluation" and listing.name.startswith("query") and candidates:
            proof = prove(listing, candidates, around, floor)
            if proof is not None:
                done.proofs.append(proof)
                done.findings += check_proof(listing, proof)


def _look(
    root: Path, around: Around, done: Examination, files: list[str], which: str, sizes: Sequence[int]
) -> None:
    places = PicturePlaces(files)
    order = list(KINDS)
    listings = sorted(around.listings.values(), key=lambda x: order.index(x.kind))
    named, split_of = [], {}
    for listing in listings:
        kind = KINDS[listing.kind]
        if kind.pictures is None:
            continue
        part = places.of(listing, kind.pictures(listing))
        named.append(part)
        splits = kind.splits(listing) if kind.splits else [""] * len(listing.rows)
        for file, split in zip(part.files, splits, strict=True):
            if file is not None and not split_of.get(file):
                split_of[file] = split
        if listing.kind == "ASEN filenames":
            _count_shares(part, around, done)
    done.findings += check_found(around.dataset, named, places.files)
    rows = ((x.listing.folder, *row) for x in named for row in zip(x.names, x.files, strict=True))
    # train1 and train2 of FashionAI use one name for two pictures; two lists may name one picture differently.
    done.named = len({file or (folder, name) for folder, name, file in rows if name is not None})
    chosen = sorted(split_of) or sorted(places.files)  # without a list, every picture that is there
    done.found = len(chosen)
    readable: list[str] = []
    if which != "none":
        looked = chosen if which == "all" else chosen[:: max(1, -(-len(chosen) // SAMPLE))]
        looks = look_at_all(root, looked)
        done.looked = len(looked)
        done.findings += check_pictures(looked, looks)
        readable = [file for file, look in zip(looked, looks, strict=True) if not look.fault]
        done.findings += check_equal(root, {file: split_of.get(file, "") for file in readable})
        done.findings += check_near(
            looked, [look.mark for look in looks], lambda file: split_of.get(file, "")
        )
    pictures = done.found or done.named
    done.costs = [cache_cost(root, readable, pictures, size) for size in sizes if pictures]


def _count_shares(part: Named, around: Around, done: Examination) -> None:
    """Add the shares of a split's rows whose picture is there."""
    listing = part.listing
    names = (
        ("label_train.txt",)
        if listing.split == "train"
        else (f"query_{listing.split}.txt", f"candidate_{listing.split}.txt")
    )
    lists: list[Listing] = [x for name in names if (x := around.beside(listing, name))]
    rows = (row for x in lists for _, row in x.numbered())
    done.shares[listing.split] = shares(part, rows, list(attributes_of(listing, around)))

"""The checks of ASEN's released lists: completeness, numbers, coverage, and what an evaluation needs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from fashion_lib.core.words import listed
from fashion_lib.data.checks.asen_rows import AGAIN, NAMES, SPLITS, attribute_counts, attributes_of
from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing


def check_meta(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check that meta.json has this data set's attributes, as released."""
    key, known = around.facts["folder"], around.facts["attributes"]
    counts = attribute_counts(listing.rows[0], key)
    if counts is None:
        what = f"it has no complete entry '{key}' with ATTRIBUTES and ATTRIBUTES_NUM"
        yield Finding("error", listing.file, None, what, AGAIN)
    elif list(counts.items()) != list(known.items()):
        different = [name for name in {**counts, **known} if counts.get(name) != known.get(name)] or [
            "their order"
        ]
        what = f"its attributes of {key} differ from the released ones in {listed(different)}"
        yield Finding("warning", listing.file, None, what, "ids get another meaning: " + AGAIN)


def check_complete(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report released lists that are missing beside this one; it is the folder's first list that reports."""
    here = {x.name for x in around.listings.values() if x.folder == listing.folder and x.name in NAMES}
    if listing.name != min(here):
        return
    folder = PurePosixPath(listing.folder)
    there = {
        PurePosixPath(file).name.lower() for file in around.files if PurePosixPath(file).parent == folder
    }
    for name in NAMES:
        if (
            name not in here and name not in there
        ):  # one that is there but unreadable has a finding of its own
            yield Finding("error", str(folder / name), None, "this list of the release is missing", AGAIN)
    if not any(around.of_kind("ASEN meta", str(place)) for place in (folder, folder.parent)):
        what = "there is no readable meta.json in this folder or the one above"
        yield Finding("note", listing.folder, None, what, "nothing: the released attributes are used")


def check_paths(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report paths that stand twice in a list, and pictures that are in two splits."""
    expected = around.facts.get("repeated_paths", {}).get(listing.name, [])
    first: dict[str, int] = {}
    faults, known = [], []
    for line, path in listing.numbered():
        if path in first:
            (known if path in expected else faults).append(
                (line, f"'{path}' stands already in line {first[path]}")
            )
        first.setdefault(path, line)
    yield from of_lines("warning", listing.file, faults, "the picture counts twice: " + AGAIN)
    yield from of_lines("note", listing.file, known, "nothing: the released list has it twice, too")
    for split in SPLITS[: SPLITS.index(listing.split)]:
        other = around.beside(listing, f"filenames_{split}.txt")
        earlier = {path: line for line, path in other.numbered()} if other else {}
        faults = [
            (line, f"'{path}' is also in {other.name}, line {earlier[path]}")
            for path, line in first.items()
            if path in earlier
        ]
        yield from of_lines("error", listing.file, faults, "one picture may be in one split only: " + AGAIN)


def check_ranges(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report image, attribute and value numbers that do not exist."""
    names = around.beside(listing, f"filenames_{listing.split}.txt")
    images = len(names.rows) if names else None
    counts = list(attributes_of(listing, around).values())
    image_faults, attribute_faults, value_faults, twice = [], [], [], []
    for line, (image, *pairs) in listing.numbered():
        if image < 0 or (images is not None and image >= images):
            last = "" if images is None else f" to {images - 1}, the lines of {names.name}"
            image_faults.append((line, f"there is no image {image}: numbers go from 0{last}"))
        seen = set()
        for attribute, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not 0 <= attribute < len(counts):
                attribute_faults.append(
                    (line, f"there is no attribute {attribute}: numbers go from 0 to {len(counts) - 1}")
                )
            elif not 0 <= value < counts[attribute]:
                top = counts[attribute] - 1
                value_faults.append(
                    (line, f"attribute {attribute} has no value {value}: numbers go from 0 to {top}")
                )
            if (attribute, value) in seen:
                twice.append((line, f"the pair {attribute} {value} stands twice in the line"))
            seen.add((attribute, value))
    for faults in (image_faults, attribute_faults, value_faults):
        yield from of_lines("error", listing.file, faults, AGAIN)
    yield from of_lines("warning", listing.file, twice, AGAIN)


def check_coverage(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report images with several rows in one list, and images of the split that no list labels.

    In the released lists every image of a split has exactly one row: in query or in candidate, or in label_train.
    """
    first: dict[int, int] = {}
    faults = []
    for line, row in listing.numbered():
        if row[0] in first:
            faults.append((line, f"image {row[0]} has a row already, line {first[row[0]]}"))
        first.setdefault(row[0], line)
    yield from of_lines("error", listing.file, faults, "it counts twice: " + AGAIN)
    names = around.beside(listing, f"filenames_{listing.split}.txt")
    used = set(first)
    if listing.name.startswith("query"):
        other = around.beside(listing, f"candidate_{listing.split}.txt")
        if other is None:
            return
        candidates = {row[0]: line for line, row in other.numbered()}
        both = [
            (line, f"image {i} is a candidate, too ({other.name}:{candidates[i]})")
            for i, line in first.items()
            if i in candidates
        ]
        yield from of_lines("error", listing.file, both, "a query would find itself: " + AGAIN)
        used |= set(candidates)
    elif listing.name.startswith("candidate"):
        return
    if names:
        unused = [
            (names.lines[i], f"no row of {listing.name} is about this image")
            for i in range(len(names.rows))
            if i not in used
        ]
        if listing.name.startswith("query"):
            unused = [
                (line, what.replace(listing.name, f"{listing.name} or {other.name}")) for line, what in unused
            ]
        yield from of_lines("warning", names.file, unused, "released lists label every image: " + AGAIN)


def check_training_values(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report values with fewer than two training images: RPF's and IPAD's code draws two different ones."""
    images = defaultdict(set)
    for _, (image, *pairs) in listing.numbered():
        for pair in zip(pairs[::2], pairs[1::2], strict=True):
            images[pair].add(image)
    few = [
        f"{name} {value}"
        for attribute, (name, count) in enumerate(attributes_of(listing, around).items())
        for value in range(count)
        if len(images[attribute, value]) < 2
    ]
    if few:
        what = f"values with fewer than two training images: {len(few)}"
        advice = "no triplet can be drawn for them: leave them out of training; RPF's and IPAD's code stops at them"
        yield Finding("warning", listing.file, None, f"{what}, such as {few[0]}", advice, tuple(few[1:]))


def check_folder_labels(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare labels with the folders in the paths: FashionAI's name the attribute, DARN's stand for a category."""
    names = around.beside(listing, f"filenames_{listing.split}.txt")
    if names is None:
        return
    order = list(attributes_of(listing, around))
    categories = around.facts.get("category_of_folder")
    faults = []
    for line, (image, *pairs) in listing.numbered():
        path = names.rows[image] if 0 <= image < len(names.rows) else None
        folder = PurePosixPath(path).parent.name if path else ""
        if folder.endswith("_labels") and around.dataset == "fashionai":
            found = {order[attribute] for attribute in pairs[::2] if 0 <= attribute < len(order)}
            if found - {folder.removesuffix("_labels")}:
                faults.append(
                    (line, f"the row is about '{listed(sorted(found))}', the picture lies in {folder}")
                )
        elif categories and folder in categories:
            value = dict(zip(pairs[::2], pairs[1::2], strict=True)).get(0, categories[folder])
            if value != categories[folder]:
                faults.append(
                    (line, f"category {value} is not that of the folder {folder}, {categories[folder]}")
                )
    yield from of_lines(
        "warning", listing.file, faults, "columns are exchanged, or another file was mixed in: " + AGAIN
    )


def check_relevant(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report queries without a relevant candidate: their AP is 0 whatever a model does."""
    candidates = around.beside(listing, f"candidate_{listing.split}.txt")
    if not listing.name.startswith("query") or candidates is None:
        return
    there = {row[1:] for _, row in candidates.numbered()}
    faults = [
        (line, f"no candidate has value {row[2]} of attribute {row[1]}")
        for line, row in listing.numbered()
        if row[1:] not in there
    ]
    expected = around.facts.get("splits", {}).get(listing.split, {}).get("queries_without_relevant")
    if len(faults) == expected:
        yield from of_lines(
            "note", listing.file, faults, f"nothing: the released list has {expected} such queries, AP 0"
        )
    else:
        advice = f"their AP is 0; the released list has {expected} such queries, here are {len(faults)}"
        yield from of_lines("warning", listing.file, faults, advice)


def check_counts(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare numbers of rows, in all and of each attribute, with those of the released lists."""
    released = around.facts["lists"].get(listing.name, {})
    split = around.facts["splits"][listing.split]
    between = (
        split.get("images_between") if listing.name in ("filenames_train.txt", "label_train.txt") else None
    )
    expected = released.get("lines") or (split.get("images") if between is None else None)
    count = len(listing.rows)
    if between and not between[0] <= count <= between[1]:
        what = f"it has {count:,} rows, the released list between {between[0]:,} and {between[1]:,}"
        yield Finding("warning", listing.file, None, what, "numbers will not be comparable with the papers'")
    if expected and count != expected:
        what = f"it has {count:,} rows, the released list {expected:,}"
        yield Finding("warning", listing.file, None, what, "numbers will not be comparable with the papers'")
    role = {
        "query": "queries_per_attribute",
        "candidate": "candidates_per_attribute",
        "label": "rows_per_attribute",
    }
    wanted = split.get(role.get(listing.name.partition("_")[0], ""))
    if wanted and count == expected:
        found = Counter(attribute for _, row in listing.numbered() for attribute in row[1::2])
        order = list(around.facts["attributes"])
        different = [
            f"{order[i]} {found[i]:,} instead of {n:,}" for i, n in enumerate(wanted) if found[i] != n
        ]
        if different:
            yield Finding("warning", listing.file, None, f"rows by attribute: {listed(different, 9)}", AGAIN)

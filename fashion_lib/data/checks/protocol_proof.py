"""The proof of the protocol without one picture: the expected MAP of a random order, exact, and the lists' checksums.

The expected AP of a random order depends on the numbers of relevant and of all candidates alone. Its mean over the
queries is what IPAD's Tables 1 to 3 print as "random". Equal numbers mean the same lists and the same averaging.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from fashion_lib.data.checks.asen_rows import attributes_of, relevance_counts
from fashion_lib.data.checks.finding import Finding, of_files
from fashion_lib.data.checks.listings import Around, Listing

Floor = Callable[
    [np.ndarray, int], np.ndarray
]  # (relevant candidates of each query, candidates) -> expected AP


@dataclass(frozen=True)
class Proof:
    """Expected MAP of a random order, in percent, of one split.

    Attributes:
        split: "valid" or "test".
        attributes: names, in the order of their ids.
        found: one number per attribute, from the lists that are here; NaN for an attribute without queries.
        overall: the mean over all queries.
        released: the same numbers of the released lists, overall last; () where they are not known.
    """

    split: str
    attributes: tuple[str, ...]
    found: tuple[float, ...]
    overall: float
    released: tuple[float, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether all numbers equal the released lists' to the two decimals that papers print."""
        rounded = [round(number, 2) for number in (*self.found, self.overall)]
        return len(rounded) == len(self.released) and all(
            abs(mine - theirs) < 0.005 for mine, theirs in zip(rounded, self.released, strict=True)
        )

    def as_dict(self) -> dict:
        """Return the numbers for JSON; NaN is None there."""
        found = [None if number != number else number for number in self.found]
        return asdict(self) | {"found": found, "equal": self.equal}


def prove(queries: Listing, candidates: Listing, around: Around, floor: Floor) -> Proof | None:
    """Compute the expected MAP of a random order from two lists; None if no attribute has queries and candidates.

    Args:
        queries, candidates: of one split.
        around: for attributes and released numbers.
        floor: the expected AP, such as `random_average_precision` of the metrics.
    """
    names = tuple(attributes_of(queries, around))
    counts = relevance_counts(queries, candidates, len(names))
    scores = [
        100 * floor(relevant, total) if total and len(relevant) else np.array([])
        for relevant, total in counts
    ]
    # A query of an attribute without any candidate has AP 0, as each query without a relevant one.
    scores = [
        np.zeros(len(relevant)) if not total else score
        for (relevant, total), score in zip(counts, scores, strict=True)
    ]
    every = np.concatenate(scores)
    if not len(every):
        return None
    facts = around.facts.get("splits", {}).get(queries.split, {})
    released = (
        *facts.get("random_map", ()),
        *([facts["random_map_overall"]] if "random_map_overall" in facts else []),
    )
    found = tuple(float(score.mean()) if len(score) else float("nan") for score in scores)
    return Proof(queries.split, names, found, float(every.mean()), released)


def check_proof(queries: Listing, proof: Proof) -> list[Finding]:
    """Return a finding where the numbers are not those of the released lists."""
    if proof.equal or not proof.released:
        return []
    released = f"{proof.released[-1]:.2f} with the released lists"
    what = f"a random order's expected MAP is {proof.overall:.2f} percent here, {released}"
    advice = "these are not the papers' lists: do not put numbers beside theirs"
    return [Finding("warning", queries.file, None, what, advice)]


def as_released(listing: Listing, around: Around) -> bool | None:
    """Return whether a list is the released one, by its checksum; None where the library knows none.

    A checksum of the text ignores line ends. git's own (SHA-1 of the bytes) is tried with either line end.
    """
    facts = around.facts.get("lists", {}).get(listing.name, {})
    if "sha256_text" in facts:
        return listing.form.text == facts["sha256_text"]
    if not {"sha256", "git_blob"} & set(facts):
        return None
    return any(_is(text, facts) for text in _variants(listing.path.read_bytes()))


def _is(text: bytes, facts: dict) -> bool:
    if facts.get("bytes", len(text)) != len(text):
        return False
    if "sha256" in facts:
        return hashlib.sha256(text).hexdigest() == facts["sha256"]
    return hashlib.sha1(b"blob %d\x00" % len(text) + text).hexdigest() == facts["git_blob"]


def _variants(text: bytes) -> Iterator[bytes]:
    """Yield a file's bytes, then with other line ends and another end of the last line, one at a time."""
    yield text
    if b"\r\n" in text:
        text = text.replace(b"\r\n", b"\n")
        yield text
    yield text.replace(b"\n", b"\r\n")
    text = text.rstrip(b"\n") if text.endswith(b"\n") else text + b"\n"
    yield text
    yield text.replace(b"\n", b"\r\n")


def check_checksums(released: dict[str, bool]) -> Iterator[Finding]:
    """Report the lists that are not the released ones.

    Args:
        released: list -> whether it is, for lists whose checksum the library knows.
    """
    what = "its checksum is not that of the released file (line ends left aside)"
    advice = "take the released file, or do not compare with the papers' numbers"
    yield from of_files("warning", [(file, what) for file, same in released.items() if not same], advice)

"""Differences of IPAD. Its patch branch in the code is RPF's: those rows stand with RPF.

The course stands on IPAD's equations but for eq. 2 and 4 (`papers.ipad.READING`). Rows that change positioning are
measured on the region branch alone without attribute diverging, where nothing else varies.
"""

from fashion_lib.papers import ipad_tables
from fashion_lib.papers.differences.difference import Difference, Pair

BASE = ipad_tables.ipad()
IPAD: Pair = BASE.method, BASE.label
SP = ipad_tables.labelled(ipad_tables.FIGURES["fig3"])["w/ IA"]
PAIRS = ipad_tables.labelled(ipad_tables.CODE)


def _changed(**options: object) -> Pair:
    row = ipad_tables.ipad(**options)
    return row.method, row.label


def _positioning(**options: object) -> dict:
    return {"choose": options, "ours": SP, "other": _changed(**ipad_tables._SP, **options)}


def _diverging(**options: object) -> dict:
    return {"choose": options, "ours": IPAD, "other": _changed(**options)}


POSITIONING = (
    Difference("ipad", "p^i = gate · p^(i-1) (eq. 4)", "gate · attended image vector, as ASEN", "in the course: the code's",
               **_positioning(gate="attribute")),
    Difference("ipad", "keeps A ≥ ζ max A (eq. 2)", "keeps A ≤ ζ max A: erases the peak; erased scores are 0",
               "in the course: the code's", **_positioning(suppression="keep")),
    Difference("ipad", "eq. 2 and eq. 4", "both as above", "in the course: the code's", choose={"variant": "paper"},
               ours=IPAD, other=PAIRS["as printed"]),
)  # fmt: skip
ROWS = POSITIONING

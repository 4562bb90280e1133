"""Where a paper and its code differ: one typed row per difference, and the page that shows them.

`table("ipad")` is one system's page, `table()` all of them. `ROWS` holds the rows, `SYSTEMS` their headings.
"""

from fashion_lib.papers.differences.difference import CHANGES, Difference, effect
from fashion_lib.papers.differences.difference_tables import (
    GLOSSARY,
    ROWS,
    SYSTEMS,
    as_page,
    glossary,
    measured,
    rows,
    table,
)

__all__ = [
    "CHANGES",
    "GLOSSARY",
    "ROWS",
    "SYSTEMS",
    "Difference",
    "as_page",
    "effect",
    "glossary",
    "measured",
    "rows",
    "table",
]

"""The tables and figures that the papers print, and our results beside them.

`papers.ipad` and `papers.yao2026` are the papers by name.
"""

import importlib

PAPERS = {"ipad": "ipad_tables", "yao2026": "yao2026_tables"}
__all__ = list(PAPERS)


def __getattr__(name: str):
    if name in PAPERS:  # imported when used: the tables of a paper need its method, and that needs torch
        return importlib.import_module(f"fashion_lib.papers.{PAPERS[name]}")
    raise AttributeError(f"fashion_lib.papers has no {name!r}: its papers are {', '.join(PAPERS)}.")


def __dir__() -> list[str]:
    return sorted(__all__)

"""Links that open a notebook on Colab or on Binder, from one template, once the course has a public address."""

import os
import re

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.first_cell import COURSE

PLACES = {
    "Colab": "https://colab.research.google.com/github/{repository}/blob/{branch}/notebooks/{file}",
    "Binder": "https://mybinder.org/v2/gh/{repository}/{branch}?labpath=notebooks/{file}",
}
ADDRESS = re.compile(r"(?:https://|git@|ssh://git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def course_address() -> str:
    """Return the git address of the course: COURSE of `first_cell`, else the variable FASHION_COURSE, else ""."""
    return COURSE or os.environ.get("FASHION_COURSE", "")


def badges(file: str, address: str | None = None, branch: str = "main") -> str:
    """Return the links of one notebook in Markdown, such as "[Open on Colab](…) · [Open on Binder](…)".

    Args:
        file: the notebook's file name.
        address: git address of the course; None is that of `course_address`.
        branch: of the repository.

    Returns:
        The links; "" where the course has no address on GitHub, from which Colab and Binder could open it.
    """
    found = ADDRESS.fullmatch(course_address() if address is None else address)
    if not found:
        return ""
    where = {"repository": found[1], "branch": branch, "file": file}
    return " · ".join(f"[Open on {name}]({link.format(**where)})" for name, link in PLACES.items())


def badge_list(address: str | None = None, branch: str = "main") -> str:
    """Return a Markdown list of all notebooks with their links, for a course page.

    Raises:
        FashionError: the course has no address on GitHub.
    """
    address = course_address() if address is None else address
    if not ADDRESS.fullmatch(address):
        raise FashionError(f"Colab and Binder open a repository of GitHub: give its address as"
                           f" https://github.com/OWNER/NAME, not {address!r}.")  # fmt: skip
    files = [path.name for path in paths.numbered_notebooks()]
    return "\n".join(f"- `{file}`: {badges(file, address, branch)}" for file in files)

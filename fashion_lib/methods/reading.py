"""The files of a method in the order in which one reads them: pieces before what is put together from them."""

import ast
from pathlib import Path

from fashion_lib.methods.registry import METHODS

LIBRARY = Path(__file__).resolve().parents[1]
ROOMS = ("fashion_lib.methods.", "fashion_lib.parts.")
NOT_READ = {"fashion_lib.methods.registry"}  # says how a method is found, nothing about what it computes


def reading_order(method: str) -> list[Path]:
    """Return the files of fashion_lib/methods and fashion_lib/parts that a method's own file needs, its own last.

    Args:
        method: a name of METHODS.

    Raises:
        FashionError: for an unknown name.
    """
    order: list[str] = []

    def visit(module: str) -> None:
        if module in order or module in NOT_READ:
            return
        for needed in _imports(_file(module)):
            if needed != module and needed not in open_modules:
                open_modules.add(needed)
                visit(needed)
        order.append(module)

    own = METHODS.known(method).build.__module__
    open_modules = {own}
    visit(own)
    return [_file(module) for module in order]


def _file(module: str) -> Path:
    base = LIBRARY.joinpath(*module.split(".")[1:])
    return base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"


def _imports(file: Path) -> list[str]:
    """The modules of ROOMS that a file imports, in the order of its lines."""
    found = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in [node.module, *whole] if name.startswith(ROOMS) and _is_module(name)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith(ROOMS)]
    return found


def _is_module(name: str) -> bool:
    base = LIBRARY.joinpath(*name.split(".")[1:])
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()

"""The parameters that a notebook takes: the names, types and defaults in its cell tagged `parameters`.

papermill only warns about a parameter that the notebook does not know, and takes text for a number; both then
surface minutes later inside the kernel. Here they are errors before a kernel starts.
"""

import ast
import math
from dataclasses import dataclass
from typing import Any

import nbformat

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion

# Why some notebooks of the course take no data set, and which ones do.
DRAWN = (
    "it explains on drawn pictures, whose regions and redrawn twins are known; notebook 05 trains on any data set, and "
    "07, 10, 15 and 20 have its tables."
)
BUILT_IN = {kind.__name__: kind for kind in (bool, int, float, str, list, tuple, dict)}


@dataclass(frozen=True)
class Parameter:
    """Hold one assignment of the parameters cell; `annotation` is the written type, else the default's own type."""

    name: str
    default: Any
    annotation: ast.expr | None

    @property
    def type_name(self) -> str:
        """Return the type as it is written, for error sentences."""
        return ast.unparse(self.annotation) if self.annotation is not None else "any type"


def declared(notebook: nbformat.NotebookNode, name: str) -> dict[str, Parameter]:
    """Return the parameters of a notebook, in order.

    Args:
        notebook: the notebook.
        name: its name, for error sentences.

    Raises:
        FashionError: no cell is tagged `parameters`, or that cell does more than assign constants.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            return _parse(cell.source, name)
    raise FashionError(
        f"The notebook {name} has no code cell tagged 'parameters': tag the one with its settings."
    )


def own_profile(notebook: nbformat.NotebookNode, name: str) -> str:
    """Return the profile that a notebook has where nobody names another: the default of its parameter `profile`.

    Args:
        notebook: the notebook; without such a parameter it is "laptop".
        name: its name.
    """
    try:
        given = declared(notebook, name).get("profile")
    except FashionError:  # `check` says so where it matters
        given = None
    return given.default if given is not None else "laptop"


def _parse(source: str, name: str) -> dict[str, Parameter]:
    found = {}
    try:
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.AnnAssign):
                target, annotation = statement.target, statement.annotation
            elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, annotation = statement.targets[0], None
            else:
                raise ValueError(f"line {statement.lineno} is no assignment")
            default = ast.literal_eval(statement.value)
            if annotation is None and default is not None:
                annotation = ast.Name(type(default).__name__)
            found[target.id] = Parameter(target.id, default, annotation)
    except (SyntaxError, ValueError, TypeError, AttributeError) as error:
        raise FashionError(
            f"The parameters cell of {name} must only assign constants to names ({error}): "
            "move everything that is computed into the cell after it."
        ) from None
    return found


def check(notebook: nbformat.NotebookNode, given: dict[str, Any], name: str) -> None:
    """Check given parameters against the declared ones.

    An int is valid where a float is declared; a bool is never a valid number.

    Args:
        notebook: the notebook.
        given: name -> value.
        name: of the notebook, for error sentences.

    Raises:
        FashionError: for the first parameter that the notebook does not declare, that has a wrong type, or that no
            notebook file can hold, such as a set or nan.
    """
    known = declared(notebook, name)
    for key, value in given.items():
        if key not in known:
            advice = DRAWN if key == "dataset" and "folder" not in known else suggestion(key, list(known))
            raise FashionError(f"The notebook {name} has no parameter {key!r}: {advice}")
        parameter = known[key]
        if parameter.annotation is not None and not accepts(parameter.annotation, value):
            raise FashionError(
                f"The parameter {key!r} of {name} is declared {parameter.type_name}, and {shortened(value)} is "
                f"{type(value).__name__}: {_remedy(parameter, value)}."
            )
        if fault := _unwritable(value):
            raise FashionError(
                f"The parameter {key!r} of {name} holds {fault}, which a notebook cannot store: give texts, finite "
                "numbers, true, false or null, alone or in lists and dictionaries with names."
            )


def _unwritable(value: Any) -> str:
    """Return what of a value no notebook file can hold, in words; "" where all is well."""
    if isinstance(value, str):
        return "" if value.encode("utf-8", "replace").decode() == value else f"the broken text {shortened(value)}"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"the number {value}"
    if isinstance(value, int) or value is None:  # bool is an int
        return ""
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return next(filter(None, map(_unwritable, [*value, *value.values()])), "")
    if type(value) in (list, tuple):
        return next(filter(None, map(_unwritable, value)), "")
    return shortened(value)


def accepts(annotation: ast.expr, value: Any) -> bool:
    """Return whether `value` fits a type written with built-in names, `None`, `|` and `list[...]`.

    Any other type accepts all values.
    """
    if isinstance(annotation, ast.BinOp):
        return accepts(annotation.left, value) or accepts(annotation.right, value)
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return value is None
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        whole = accepts(annotation.value, value)
        simple = annotation.value.id == "list" and not isinstance(annotation.slice, ast.Tuple)
        return whole and (not simple or all(accepts(annotation.slice, item) for item in value))
    if not isinstance(annotation, ast.Name) or annotation.id not in BUILT_IN:
        return True
    kind = BUILT_IN[annotation.id]
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind


def yaml_number(number: float) -> str:
    """Return a finite float as text that YAML 1.1 reads as a float: 1000.0, 0.001, 1.0e-30.

    YAML 1.1 needs the point, and the sign of the exponent.
    """
    mantissa, mark, exponent = repr(float(number)).partition("e")
    if not mark:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _remedy(parameter: Parameter, value: Any) -> str:
    whole, real = (name in parameter.type_name for name in ("int", "float"))
    if isinstance(value, (str, float)) and (whole or real):
        number = _number(value)
        if number is None or not math.isfinite(number) or not (real or number.is_integer()):
            return f"give a {'' if real else 'whole '}number such as {parameter.default!r}"
        plain = yaml_number(number) if real else str(int(number))
        if isinstance(value, str) and value.strip() == plain:
            return f"give the number {plain} without quotation marks"
        read = f"YAML reads {value} as text, so " if isinstance(value, str) else ""
        return f"{read}write {plain}"
    if parameter.type_name == "str" and value is not None:
        return f"put it in quotation marks, as in {shortened(str(value))}"
    return f"give a value like the default, {parameter.default!r}"

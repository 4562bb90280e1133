"""Options of a model's constructor, checked before any data is loaded and anything is created or deleted."""

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.settings import LARGEST
from fashion_lib.core.typed import check_value
from fashion_lib.methods.registry import METHODS, build_model

TRIAL = Schema((Attribute("first", ("a", "b"), kind="one"), Attribute("second", ("a", "b"), "global", "two")))


def check_options(method: str, variant: str, options: Mapping[str, object], backbone: str, where: str) -> None:
    """Build the model for two attributes with random weights, then compare the options with its annotations.

    Args:
        method, variant: known names.
        options: name -> value; nothing is built without any.
        backbone: name of the backbone.
        where: what holds the options, for error sentences: "the label 'v2+channel=False'".

    Raises:
        FashionError: an option is not known, or its value is of another type or out of range.
    """
    if not options:
        return
    model = build_model(method, TRIAL, backbone=backbone, variant=variant, start="random", seed=0, **options)
    types: dict[str, Any] = {}
    for owner in reversed(type(model).__mro__):
        if "__init__" in vars(owner) and owner.__module__.startswith("fashion_lib."):
            types |= get_type_hints(owner.__init__)
    # Options that the constructor hands on to its parts have their types there.
    types = {name: kind for name, kind in type(model).handed_on.items() if name not in types} | types
    # The builder has the last word: it takes the name of a network where the constructor takes the network.
    parameters = inspect.signature(METHODS[method].build).parameters.items()
    types |= {name: type(p.default) for name, p in parameters if p.default is not inspect.Parameter.empty}
    for name, value in options.items():
        if name in types:
            check_option(name, value, types[name], where)


def check_option(name: str, value: object, kind: Any, where: str) -> None:
    """Check one value against a type.

    Raises:
        FashionError: it is of another type, or no run's name can hold it.
    """
    try:
        check_value(value, kind)
    except ValueError as error:
        reason = str(error).removeprefix("it is ")
        raise FashionError(f"{name} in {where} is {reason}: correct it.") from error
    if isinstance(value, int | float) and abs(value) > LARGEST:
        raise FashionError(f"{name} in {where} is out of range: give a smaller number.")

"""Settings as pydantic models: frozen, strictly typed, and one sentence for what cannot be meant."""

from collections.abc import Collection
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion

LARGEST = 2**63 - 1
KINDS = {"int_type": "a whole number", "float_type": "a number", "bool_type": "a truth value", "string_type": "a text"}
ADVICE = {"bool_type": "write True or False", "string_type": "write one, in quotes"}


def _as_written(value: Any, check: Any) -> Any:
    """Keep 1 instead of 1.0: a setting's text becomes part of the names of folders."""
    check(value)
    return value


Count = Annotated[int, Field(ge=0, le=LARGEST)]
AtLeastOne = Annotated[int, Field(ge=1, le=LARGEST)]
Number = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False), WrapValidator(_as_written)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), WrapValidator(_as_written)]


def one_of(known: Collection[str], prefix: str | None = None) -> BeforeValidator:
    """Return the check that a text is one of `known`, which is read anew each time, or begins with `prefix`."""

    def check(value: Any) -> Any:
        foreign = prefix is not None and isinstance(value, str) and value.startswith(prefix)
        if value not in tuple(known) and not foreign:
            raise PydanticCustomError("unknown", "unknown", {"known": ", ".join(known)})
        return value

    return BeforeValidator(check)


class Settings(BaseModel):
    """Base class of settings. `dict(settings)` is name -> value.

    Raises:
        FashionError: a setting is missing, unknown, of another type or out of range; one sentence names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, **settings: Any):
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise FashionError(_sentence(error, type(self))) from error

    def with_options(self, **options: Any) -> Self:
        """Return a copy with some settings replaced.

        Raises:
            FashionError: a setting does not exist, or its value cannot be meant.
        """
        return type(self)(**dict(self) | options)


def _sentence(error: ValidationError, model: type[Settings]) -> str:
    first = error.errors(include_url=False)[0]
    kind, context, name = first["type"], first.get("ctx", {}), str(first["loc"][-1]) if first["loc"] else ""
    if kind == "value_error":  # a check of the model's own, which says all
        return str(context["error"])
    if kind == "missing":
        return f"the setting {name} is missing: give it."
    if kind == "extra_forbidden":
        return f"there is no setting {shortened(name)}: {suggestion(name, tuple(model.model_fields))}"
    given = f"{name}={shortened(first['input'])}"
    if kind == "unknown":
        return f"{given} is unknown: choose one of {context['known']}."
    if kind in KINDS:
        return f"{given} is not {KINDS[kind]}: {ADVICE.get(kind, 'write one, without quotes')}."
    if kind in ("greater_than_equal", "less_than_equal", "finite_number"):
        metadata = model.model_fields[name].metadata
        low, high = (next((getattr(m, end) for m in metadata if hasattr(m, end)), None) for end in ("ge", "le"))
        most = f" and at most {high}" if high == 1 or kind == "less_than_equal" else ""
        return f"{given} is out of range: give a value of at least {low}{most}."
    return f"{given} cannot be: {first['msg']}."

"""Fine-grained fashion retrieval: `import fashion_lib as fl`, and what a reader of the course types.

Each name is imported when it is first used, so that `import fashion_lib` costs nothing and needs no torch.
"""

import importlib

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError

__version__ = "0.1.0"

threads.set_default()

# Public name -> module that holds it; "" after the colon is the module itself.
_PUBLIC = {
    "datasets": "data.sets:as_table",
    "load_dataset": "face:load_dataset",
    "load_folder": "face:load_folder",
    "methods": "methods:",
    "method": "methods.registry:method",
    "build_model": "methods.registry:build_model",
    "profile": "training.profiles:get_profile",
    "load_or_train": "runs.run:load_or_train",
    "load_released": "runs.released_run:load_released",
    "evaluate": "tasks.retrieval.evaluation:evaluate",
    "index": "runs.gallery_index:index_gallery",
    "search": "face:search",
    "protocol": "face:protocol",
    "results": "runs.ledger:collect",
    "published": "papers.published:published",
    "trace": "runs.trace:trace",
    "cost": "runs.cost:cost",
    "explore": "explorer.notebook_widget:explore",
    "read": "face:read",
    "notebook": "face:notebook",
    "check": "course.exercises.checking:check",
    "hint": "course.exercises.checking:hint",
    "show": "show:",
    "papers": "papers:",
    "Attribute": "core.schema:Attribute",
    "Schema": "core.schema:Schema",
    "RetrievalData": "data.dataset:RetrievalData",
    "RetrievalModel": "methods.base:RetrievalModel",
    "Run": "runs.run:Run",
}
__all__ = ["FashionError", "__version__", *_PUBLIC]


def __getattr__(name: str):
    if name not in _PUBLIC:
        from fashion_lib.core.words import suggestion

        raise AttributeError(f"fashion_lib has no {name!r}: {suggestion(name, __all__)}")
    module, _, attribute = _PUBLIC[name].partition(":")
    found = importlib.import_module(f"fashion_lib.{module}")
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted(__all__)

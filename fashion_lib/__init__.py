"""Fine-grained fashion retrieval: the library that the notebooks import."""

from fashion_lib.core import threads

__version__ = "0.1.0"

threads.set_default()


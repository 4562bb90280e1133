"""Fine-grained fashion retrieval: the library that the notebooks import."""

__version__ = "0.1.0"

"""The one exception class of the course for every failure that a user can correct."""


class FashionError(ValueError):
    """An expected failure. Its text is one sentence: what was wrong, where, and what to do next."""

"""The one exception of the course for everything a user can put right."""


class FashionError(ValueError):
    """An expected failure. Its text is one sentence: what was wrong, where, and what to do next."""

"""Attribute manipulation, "like this one, but with long sleeves": Yao, Zhu, Wan 2026, and its baselines."""

"""Attribute manipulation, "like this one, but with long sleeves": Yao, Zhu and Wan 2026, and its baselines."""

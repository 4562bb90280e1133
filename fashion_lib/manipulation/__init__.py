"""Attribute manipulation, "like this one, but with long sleeves": Yao, Zhu and Wan 2026, and what it is compared with."""

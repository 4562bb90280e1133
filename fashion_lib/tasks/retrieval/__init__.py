"""Attribute-specific retrieval: evaluation, metrics, protocol, explanations, re-ranking."""

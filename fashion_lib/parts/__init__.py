"""Pieces of networks and losses; no whole method of a paper."""

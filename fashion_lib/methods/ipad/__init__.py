"""IPAD: the model, iterative positioning (IP) and attribute diverging (AD)."""

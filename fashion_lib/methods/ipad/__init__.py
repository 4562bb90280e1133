"""IPAD: the model, iterative positioning (IP), attribute diverging (AD)."""

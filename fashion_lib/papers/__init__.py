"""The tables and figures that the papers print, and our results beside them."""

"""The tensor names of the authors' released checkpoints, one file of names per system, and how such files are read."""

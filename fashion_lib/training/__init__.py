"""One training loop for every task, its configuration, history and checkpoints."""

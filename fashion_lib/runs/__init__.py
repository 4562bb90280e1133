"""From names to numbers: train or load a run, its record, the ledger."""

"""One file per paper: its model, its builder, its variants, its reference."""

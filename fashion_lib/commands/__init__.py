"""The commands of the command line: a plain function each, whose signature says what it takes."""

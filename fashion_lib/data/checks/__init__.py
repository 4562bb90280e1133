"""The checks of the command check-data: what is wrong with a data set's files, all findings at once, worst first."""

"""The methods: one file per paper, the registry, and the two interfaces."""

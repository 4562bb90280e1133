"""What every room needs: errors, paths, the schema, files, words, provenance."""

"""What every package needs: errors, paths, the schema, files, words, provenance."""

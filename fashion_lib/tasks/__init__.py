"""What is measured of a model: attribute-specific retrieval and attribute manipulation."""

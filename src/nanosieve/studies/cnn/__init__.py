"""The study ``cnn`` (arXiv:2101.05108)."""

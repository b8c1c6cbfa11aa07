"""The study ``l1-anomaly`` (arXiv:2108.03986)."""

"""The study ``llp`` (arXiv:2307.05152)."""

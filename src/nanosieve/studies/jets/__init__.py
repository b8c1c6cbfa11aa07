"""The study ``jets``: the ladder of taggers from floating point to tables (arXiv:1804.06913 and after)."""

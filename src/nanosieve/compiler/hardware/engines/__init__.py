"""Engines: layers of products whose schedule is a program of counters and tables."""

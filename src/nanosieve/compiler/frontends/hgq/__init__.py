"""Keras 3 with HGQ2: every quantiser is stated, so that the graph is exact."""

"""Converters of Keras and HGQ2 layers by subject; `layers_to_ops` joins their tables."""

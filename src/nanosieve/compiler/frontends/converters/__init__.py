"""Converters of Keras and HGQ2 layers by subject; `keras_layers_to_ops` joins their tables."""

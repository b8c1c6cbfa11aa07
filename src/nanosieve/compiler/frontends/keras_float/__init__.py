"""Plain Keras 3 models, quantised after training."""

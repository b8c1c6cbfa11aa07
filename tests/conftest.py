"""Settings that must stand before Keras and JAX are imported."""

import os

from hypothesis import settings

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Deadlines would time the machine; the same examples every time keep CI reproducible.
settings.register_profile("nanosieve", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("nanosieve")

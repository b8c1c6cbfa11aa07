"""Settings that must stand before Keras and JAX are imported."""

import os

import pytest
from hypothesis import settings

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Deadlines would time the machine; the same examples every time keep CI reproducible.
settings.register_profile("nanosieve", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("nanosieve")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)

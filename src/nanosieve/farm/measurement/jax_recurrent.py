"""LSTM and GRU of ONNX in JAX; the ONNX operators' equations, without peepholes and clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["gru", "lstm"]


def lstm(attributes: Mapping[str, Any], x: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """(steps, events, features) → the last state (1, events, units); gates i, o, f, c."""
    import jax
    import jax.numpy as jnp

    units = attributes["hidden_size"]
    before = x @ kernel[0].T + bias[0, : 4 * units] + bias[0, 4 * units :]
    zeros = jnp.zeros((x.shape[1], units), x.dtype)

    def step(state: tuple[Any, Any], given: Any) -> tuple[tuple[Any, Any], None]:
        hidden, cell = state
        i, o, f, c = jnp.split(given + hidden @ recurrent[0].T, 4, axis=-1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(c)
        return (jax.nn.sigmoid(o) * jnp.tanh(cell), cell), None

    (hidden, _), _ = jax.lax.scan(step, (zeros, zeros), before)
    return hidden[None]


def gru(attributes: Mapping[str, Any], x: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """(steps, events, features) → the last state (1, events, units); gates z, r, h."""
    import jax
    import jax.numpy as jnp

    units = attributes["hidden_size"]
    after = bool(attributes.get("linear_before_reset", 0))
    own, states = bias[0, : 3 * units], bias[0, 3 * units :]
    before = x @ kernel[0].T + own
    weights = recurrent[0].T
    zeros = jnp.zeros((x.shape[1], units), x.dtype)

    def step(hidden: Any, given: Any) -> tuple[Any, None]:
        z, r, h = jnp.split(given, 3, axis=-1)
        zs, rs = jnp.split(hidden @ weights[:, : 2 * units] + states[: 2 * units], 2, axis=-1)
        z, r = jax.nn.sigmoid(z + zs), jax.nn.sigmoid(r + rs)
        candidate, shift = weights[:, 2 * units :], states[2 * units :]
        state = r * (hidden @ candidate + shift) if after else (r * hidden) @ candidate + shift
        return z * hidden + (1 - z) * jnp.tanh(h + state), None

    hidden, _ = jax.lax.scan(step, zeros, before)
    return hidden[None]

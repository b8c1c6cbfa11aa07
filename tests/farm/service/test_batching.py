"""What arrives together is computed together, and nobody suffers for another."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from nanosieve.errors import SampleError
from nanosieve.farm.service import Batcher, Tensor
from nanosieve.farm.service.batching import Full


class Twice:
    """y = 2 x; refuses negative numbers; remembers the batches, and waits where it is told to."""

    name = "twice"
    platform = "test"
    inputs = (Tensor("x", "FP64", ()),)
    outputs = (Tensor("y", "FP64", ()),)

    def __init__(self, batch: int | None = None) -> None:
        self.batch = batch
        self.calls: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, arrays):
        self.gate.wait(10)
        self.calls.append(len(arrays["x"]))
        if (arrays["x"] < 0).any():
            raise SampleError("negative")
        return {"y": 2 * arrays["x"]}

    def parameters(self, events):
        return {}


def ask(batcher, *numbers: float):
    return batcher({"x": np.array(numbers)}, len(numbers))


def test_what_arrives_at_one_time_is_one_batch():
    async def main():
        model = Twice()
        batcher = Batcher(model, most=100)
        answers = await asyncio.gather(*(ask(batcher, n, n + 0.5) for n in range(5)))
        batcher.close()
        return model, answers

    model, answers = asyncio.run(main())
    assert model.calls == [10]
    assert [a.outputs["y"].tolist() for a in answers] == [[2 * n, 2 * n + 1] for n in range(5)]
    assert {a.batch for a in answers} == {10}


def test_a_busy_model_gathers_what_comes_meanwhile():
    async def main():
        model = Twice()
        model.gate.clear()
        batcher = Batcher(model, most=4)
        first = asyncio.ensure_future(ask(batcher, 1.0))
        await asyncio.sleep(0.05)
        rest = [asyncio.ensure_future(ask(batcher, n, n)) for n in range(5)]
        await asyncio.sleep(0.05)
        depth = batcher.depth
        model.gate.set()
        answers = await asyncio.gather(first, *rest)
        batcher.close()
        return model, depth, answers

    model, depth, answers = asyncio.run(main())
    assert model.calls == [1, 4, 4, 2]
    assert depth == 10
    assert answers[1].queue > 0.01
    assert [a.outputs["y"].tolist() for a in answers[1:]] == [[2 * n, 2 * n] for n in range(5)]


def test_a_faulty_request_does_not_spoil_the_others():
    async def main():
        batcher = Batcher(Twice())
        found = await asyncio.gather(*(ask(batcher, n) for n in (1, -1, 2)), return_exceptions=True)
        batcher.close()
        return found

    good, bad, other = asyncio.run(main())
    assert isinstance(bad, SampleError)
    assert (good.outputs["y"][0], other.outputs["y"][0]) == (2, 4)


def test_what_a_runtime_raises_reaches_who_asked():
    class Broken(Twice):
        def __call__(self, arrays):
            raise ZeroDivisionError

    async def main():
        batcher = Batcher(Broken())
        return await asyncio.gather(ask(batcher, 1.0), ask(batcher, 2.0), return_exceptions=True)

    assert [type(error) for error in asyncio.run(main())] == [ZeroDivisionError] * 2


def test_too_many_are_turned_away_and_those_who_left_are_forgotten():
    async def main():
        model = Twice()
        model.gate.clear()
        batcher = Batcher(model, most=2, waiting=3)
        first = asyncio.ensure_future(ask(batcher, 1.0))
        await asyncio.sleep(0.05)
        left = asyncio.ensure_future(ask(batcher, 2.0, 2.0))
        await asyncio.sleep(0)
        refused = await ask(batcher, 3.0, 3.0)
        left.cancel()
        await asyncio.sleep(0)
        model.gate.set()
        await first
        last = await ask(batcher, 4.0, 4.0)
        batcher.close()
        return model, refused, last

    model, refused, last = asyncio.run(main())
    assert isinstance(refused, Full)
    assert last.outputs["y"].tolist() == [8, 8]
    assert model.calls == [1, 2]


def test_a_model_of_fixed_batch_gets_one_request_at_a_time():
    async def main():
        model = Twice(batch=2)
        batcher = Batcher(model, most=2)
        await asyncio.gather(*(ask(batcher, n, n) for n in range(3)))
        batcher.close()
        return model

    assert asyncio.run(main()).calls == [2, 2, 2]


@pytest.mark.parametrize("workers", [1, 3])
def test_many_clients_get_their_own_answers(workers):
    async def client(batcher, seed):
        rng = np.random.default_rng(seed)
        for _ in range(40):
            x = rng.random(int(rng.integers(1, 9)))
            answer = await batcher({"x": x}, len(x))
            assert np.array_equal(answer.outputs["y"], 2 * x)

    async def main():
        batcher = Batcher(Twice(), most=16, workers=workers)
        batcher._overhead = 1.0  # in threads, whatever a call takes
        await asyncio.gather(*(client(batcher, seed) for seed in range(20)))
        batcher.close()

    asyncio.run(main())

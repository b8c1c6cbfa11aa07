"""What the emulator does with a block of events: steps over slots of memory, made once from the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nanosieve.compiler.emulate.steps import Step
from nanosieve.compiler.emulate.tiers import Tier
from nanosieve.compiler.graph import TensorType

__all__ = ["Action", "Plan", "Slot"]


@dataclass(frozen=True)
class Slot:
    """A block of values: elements per event, in one format."""

    size: int
    tier: Tier

    @property
    def bytes(self) -> int:
        """Per event."""
        return int(self.size * self.tier.itemsize)


@dataclass(frozen=True)
class Action:
    """A step and the slots it reads and writes."""

    step: Step
    inputs: tuple[int, ...]
    output: int


@dataclass(frozen=True)
class Plan:
    """Attributes:
    slots: every value of the plan.
    actions: in order.
    inputs: input name → slot of its codes.
    outputs: output name → slot of its codes, and their type.
    buffers: buffer of each slot; slots that are not needed at one time share.
    widths: bytes per event of each buffer.
    scratch: bytes that some steps need besides, whatever the number of events.
    """

    slots: tuple[Slot, ...]
    actions: tuple[Action, ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, tuple[int, TensorType]]
    buffers: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()
    scratch: int = 0

    @property
    def tiers(self) -> set[str]:
        """The formats in which something is computed."""
        results = {self.slots[action.output].tier for action in self.actions}
        stages = {action.step.tier for action in self.actions if hasattr(action.step, "tier")}
        return {tier.name for tier in results | stages}

    def placed(self) -> Plan:
        """The plan with a buffer for each slot."""
        last = {slot: n for n, action in enumerate(self.actions) for slot in action.inputs}
        forever = len(self.actions)
        last.update({slot: forever for slot, _ in self.outputs.values()})
        buffers, widths = [-1] * len(self.slots), list[int]()
        free: list[int] = []

        def place(slot: int) -> None:
            need = self.slots[slot].bytes
            fitting = [b for b in free if widths[b] >= need]
            if free:
                best, among = (min, fitting) if fitting else (max, free)
                chosen = best(among, key=widths.__getitem__)
                free.remove(chosen)
            else:
                chosen = len(widths)
                widths.append(0)
            widths[chosen] = max(widths[chosen], need)
            buffers[slot] = chosen

        for slot in self.inputs.values():
            place(slot)
        for n, action in enumerate(self.actions):
            place(action.output)
            done = {s for s in (*action.inputs, action.output) if last.get(s, n) <= n}
            free.extend(buffers[s] for s in sorted(done))
        scratch = max((getattr(action.step, "scratch", 0) for action in self.actions), default=0)
        return replace(self, buffers=tuple(buffers), widths=tuple(widths), scratch=scratch)

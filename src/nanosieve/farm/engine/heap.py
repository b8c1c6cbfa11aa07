"""What is to come, in order: a binary heap of records, and a tournament that finds the least loaded node."""

from __future__ import annotations

from typing import Any

from nanosieve.farm.engine.compiled import inlined

__all__ = ["pop", "push", "replay"]


@inlined
def push(t: Any, when: Any, kind: Any, who: Any, version: Any) -> None:
    """Enter what happens at `when`; without room `overflow` is set, and the run is to be repeated."""
    heap, now = t.heap, t.now[0]
    place = now.pending
    if place == len(heap):
        now.overflow = 1
        return
    now.pending = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if heap[above].when <= when:  # what was entered first comes first
            break
        heap[place] = heap[above]
        place = above
    heap[place].when = when
    heap[place].order = now.entered
    now.entered += 1
    heap[place].kind = kind
    heap[place].who = who
    heap[place].version = version


@inlined
def earlier(one: Any, other: Any) -> Any:
    """Whether an entry comes before another; of the same moment, what was entered first."""
    return one.when < other.when or (one.when == other.when and one.order < other.order)


@inlined
def pop(t: Any) -> None:
    """Take the first entry off; it has to be read before."""
    heap, now = t.heap, t.now[0]
    last = now.pending - 1
    now.pending = last
    place = 0
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        if below + 1 < last and earlier(heap[below + 1], heap[below]):
            below += 1
        if earlier(heap[last], heap[below]):
            break
        heap[place] = heap[below]
        place = below
    heap[place] = heap[last]


@inlined
def replay(t: Any, node: Any, key: Any) -> None:
    """Give `node` a new `key` and play its matches again, up to the root; the lower number wins a draw."""
    nodes, tree = t.nodes, t.tree
    nodes[node].key = key
    place = (len(tree) >> 1) + node
    tree[place] = node
    place >>= 1
    while place >= 1:
        left, right = tree[2 * place], tree[2 * place + 1]
        tree[place] = left if nodes[left].key <= nodes[right].key else right
        place >>= 1

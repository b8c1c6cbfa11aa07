from dataclasses import dataclass
@dataclass(frozen=True)
class Fold:
    positions: int = 1
    columns: int = 1
@dataclass(frozen=True)
class Kernel:
    graph: object
    base: object
    reads: object
    constants: object
    writes: object
def slice_layer(*a): raise NotImplementedError
def slice_steps(*a): raise NotImplementedError
def live_elements(g): return {}

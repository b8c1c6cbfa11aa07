"""Selections in words, as the table of a menu prints them."""

from __future__ import annotations

from nanosieve.physics.menu.schema import Leg, PairCut, Selection, Window

__all__ = ["describe"]

_OBJECTS = {"large_jet": "R=1.0 jet", "bjet": "b jet", "met": "MET", "ht": "HT", "gamma": "photon"}
_SYMBOLS = {"mass": "m", "delta_r": "ΔR", "delta_phi": "Δφ", "delta_eta": "Δη"}


def describe(selection: Selection) -> str:
    """What a selection asks for, momenta and masses in GeV.

    >>> leg = Leg(object="mu", count=2, pt=6)
    >>> cut = PairCut(between=("mu", "mu"), mass=Window(min=2.5, max=4), charge="opposite")
    >>> describe(Selection(legs=(leg,), pairs=(cut,)))
    '2 mu > 6; 2.5 < m < 4, opposite charge'
    """
    parts = [" + ".join(_leg(leg) for leg in selection.legs)] if selection.legs else []
    single = len(selection.legs) <= 2
    parts += [_pair(pair, named=not single) for pair in selection.pairs]
    if selection.exclusive_dr is not None:
        parts.append(f"ΔR > {selection.exclusive_dr:g} between different objects")
    if selection.score is not None:
        parts.append(f"score of {selection.score.network} > {selection.score.above:g}")
    if selection.pass_through:
        parts.append("everything")
    if selection.prescale > 1:
        parts.append(f"prescale {selection.prescale:g}")
    return "; ".join(parts)


def _leg(leg: Leg) -> str:
    words = [str(leg.count)] if leg.count > 1 else []
    words += ["isolated"] if leg.isolated else []
    words += [leg.quality.replace("_", " ")] if leg.quality else []
    words.append(_OBJECTS.get(leg.object, leg.object))
    words += [f"({100 * leg.btag_eff:.0f} %)"] if leg.btag_eff else []
    words.append(f"> {leg.pt:g}")
    words += [f"of charge {leg.charge:+d}"] if leg.charge else []
    text = " ".join(words)
    text += f", |η| < {leg.eta_max:g}" if leg.eta_max else ""
    return text + (f", m > {leg.mass_min:g}" if leg.mass_min else "")


def _pair(pair: PairCut, *, named: bool) -> str:
    of = f"({', '.join(pair.between)})" if named else ""
    words = [_window(f"{_SYMBOLS[name]}{of}", window) for name, window in pair.windows().items()]
    words += [f"{pair.charge} charge{'' if not named else ' ' + of}"] if pair.charge else []
    return ", ".join(words)


def _window(symbol: str, window: Window) -> str:
    low = f"{window.min:g} < " if window.min is not None else ""
    high = f" < {window.max:g}" if window.max is not None else ""
    return f"{symbol} > {window.min:g}" if low and not high else f"{low}{symbol}{high}"

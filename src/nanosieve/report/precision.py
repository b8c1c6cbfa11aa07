"""A metric of quantised networks against the number of bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nanosieve.compiler.precision_scan import PrecisionScan
from nanosieve.errors import SettingsError
from nanosieve.report.style import INK, Drawing, headline, panel, series

__all__ = ["precision_scan_chart"]


def precision_scan_chart(
    scans: Sequence[PrecisionScan], *, title: str, conditions: str = "", label: str = "Bits"
) -> Drawing:
    """One panel: the metric over that of the float model, whose line is at 1, with bootstrap errors.

    Args:
        scans: one curve each, all of one metric.
        title: of the panel.
        conditions: right end of the headline.
        label: of the horizontal axis.

    Raises:
        SettingsError: no scans, or of different metrics.
    """
    metrics = {scan.metric for scan in scans}
    if len(metrics) != 1:
        message = f"a chart shows scans of one metric, not of {', '.join(sorted(metrics)) or 'none'}"
        raise SettingsError(message)
    metric = metrics.pop()
    references = {scan.reference.number() for scan in scans}
    common = f": {references.pop()}" if len(references) == 1 else ""

    def draw(axes: Any) -> None:
        axes.axhline(1.0, color=INK, linewidth=0.8, linestyle=(0, (2, 2)), label=f"float network{common}")
        for number, scan in enumerate(scans):
            bits = [p.bits for p in scan.points]
            ratios = np.array([p.ratio.value for p in scan.points])
            errors = np.array([p.ratio.error or 0.0 for p in scan.points])
            name = scan.name if common else f"{scan.name} ({scan.reference.number()} in float)"
            axes.errorbar(
                bits, ratios, yerr=errors, marker="o", markersize=3.6, elinewidth=1.0, label=name,
                **series(number),
            )  # fmt: skip
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set_xlabel(label)
        axes.set_ylabel(f"{metric[:1].upper()}{metric[1:]}, fixed / float")
        axes.legend(loc="lower right")
        headline(axes, title, conditions)

    names = ", ".join(scan.name for scan in scans)
    return Drawing((panel(draw, label=f"{metric} of {names} over that of the float model, against bits"),))

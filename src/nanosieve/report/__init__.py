"""Figures and the HTML report: results in, one self-contained page out."""

from nanosieve.report.bitwidths import LayerBits, bit_width_map
from nanosieve.report.efficiency import EfficiencyCurve, EfficiencyPoint, efficiency_curves, efficiency_points
from nanosieve.report.from_design import bits_of, pipeline_of, resources_of
from nanosieve.report.page import (
    Block,
    Cell,
    Numbers,
    Picture,
    Section,
    Table,
    Text,
    render_page,
    write_report,
)
from nanosieve.report.pipeline import Pipeline, PipelineLayer, pipeline_chart
from nanosieve.report.precision import precision_scan_chart
from nanosieve.report.published import Published, published
from nanosieve.report.resources import LayerResources, resource_bars
from nanosieve.report.roc import RocCurve, roc_curves
from nanosieve.report.score import score_distribution
from nanosieve.report.spectra import TRIGGER_VARIABLES, Variable, object_spectra, spectra
from nanosieve.report.style import Drawing
from nanosieve.report.training import TrainingHistory, training_curves

__all__ = [
    "TRIGGER_VARIABLES",
    "Block",
    "Cell",
    "Drawing",
    "EfficiencyCurve",
    "EfficiencyPoint",
    "LayerBits",
    "LayerResources",
    "Numbers",
    "Picture",
    "Pipeline",
    "PipelineLayer",
    "Published",
    "RocCurve",
    "Section",
    "Table",
    "Text",
    "TrainingHistory",
    "Variable",
    "bit_width_map",
    "bits_of",
    "efficiency_curves",
    "efficiency_points",
    "object_spectra",
    "pipeline_chart",
    "pipeline_of",
    "precision_scan_chart",
    "published",
    "render_page",
    "resource_bars",
    "resources_of",
    "roc_curves",
    "score_distribution",
    "spectra",
    "training_curves",
    "write_report",
]

"""Every figure: right number of panels, the words a reader needs, and refusal of bad data."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from nanosieve.errors import SampleError
from nanosieve.figure import Figure, Provenance
from nanosieve.report import (
    Drawing,
    EfficiencyCurve,
    EfficiencyPoint,
    LayerBits,
    LayerResources,
    Pipeline,
    PipelineLayer,
    RocCurve,
    TrainingHistory,
    bit_width_map,
    efficiency_curves,
    efficiency_points,
    pipeline_chart,
    resource_bars,
    roc_curves,
    score_distribution,
    spectra,
    training_curves,
)
from nanosieve.report.spectra import Variable, histogram, object_spectra

BACKGROUND = "Standard Model"


def words(svg: str) -> str:
    """All text of an SVG; letters that were set one by one are joined."""
    root = ElementTree.fromstring(svg)
    return " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


def all_words(drawing: Drawing) -> str:
    return " ".join(re.sub(r"\s+", " ", words(svg)) for svg in drawing.panels)


def simulated(value: float, error: float) -> Figure:
    return Figure(value, "%", Provenance.SIMULATED, error)


class TestSpectra:
    def test_one_panel_per_variable_with_units_and_one_key(self, samples):
        drawing = spectra(samples, background=BACKGROUND, conditions="13 TeV")
        assert len(drawing.panels) == 6
        assert [entry.label for entry in drawing.key] == list(samples)
        assert [entry.style for entry in drawing.key] == ["fill", "line", "line"]
        text = all_words(drawing)
        assert text.count("[GeV]") == 4
        assert text.count("Fraction of entries / GeV") == 4
        assert "Fraction of entries / 0.4" in text
        assert text.count("13 TeV") == 6

    def test_a_process_without_a_variable_is_left_out(self, samples):
        few = dict(samples)
        few["LQ → bτ"] = {"met_pt": samples["LQ → bτ"]["met_pt"]}
        full, less = (spectra(some, background=BACKGROUND).panels for some in (samples, few))
        assert full[0] == less[0]
        assert len(less[1]) < len(full[1])

    def test_contents_and_errors_of_weighted_entries(self):
        values, weights = np.array([0.5, 0.6, 1.5, 9.0]), np.array([1.0, 2.0, 4.0, 1.0])
        contents, errors = histogram(values, weights, (0, 1, 2))
        assert contents == pytest.approx([3 / 8, 4 / 8])
        assert errors == pytest.approx([np.sqrt(5) / 8, 4 / 8])

    @pytest.mark.parametrize(
        ("values", "weights", "message"),
        [
            ([1.0, 2.0], [1.0], "as many weights as values"),
            ([1.0, np.nan], [1.0, 1.0], "holds NaN"),
            ([1.0], [0.0], "sum to nothing"),
        ],
    )
    def test_bad_samples_are_refused(self, values, weights, message):
        with pytest.raises(SampleError, match=message):
            histogram(np.array(values), np.array(weights), (0, 1))

    def test_bins_that_differ_in_width_show_a_density(self):
        flat = {BACKGROUND: {"x": (np.linspace(0.5, 99.5, 100), np.ones(100))}}
        variable = Variable("x", "x", "GeV", (0, 10, 50, 100))
        (svg,) = spectra(flat, background=BACKGROUND, variables=[variable]).panels
        (area,) = re.findall(r'd="([^"]+)"[^>]*opacity: 0.45', svg)
        heights = {point.split()[2] for point in re.findall(r"L [\d.]+ [\d.]+", area)}
        assert len(heights) == 2  # the top, the same in all bins, and the bottom

    def test_columns_of_the_trigger_objects(self):
        objects = np.zeros((3, 19, 3), np.float32)
        objects[:, 0, 0] = 10, 20, 30
        objects[0, 1] = 25, 0.1, 0  # an electron
        objects[1, 5] = 33, -1, 0  # a muon
        objects[2, 9:12] = (50, 1.5, 0), (40, 2, 1), (16, 0, 0)  # three jets
        weights = np.array([1.0, 2.0, 4.0])
        columns = object_spectra(objects, weights)
        as_lists = {name: (v.tolist(), w.tolist()) for name, (v, w) in columns.items()}
        assert as_lists == {
            "met_pt": ([10, 20, 30], [1, 2, 4]),
            "electron_pt": ([25], [1]),
            "muon_pt": ([33], [2]),
            "jet_pt": ([50], [4]),
            "jet_eta": ([1.5], [4]),
            "jet_multiplicity": ([0, 0, 3], [1, 2, 4]),
        }

    def test_other_shapes_are_refused(self):
        with pytest.raises(SampleError, match=r"need \(N, 19, 3\) and \(N,\) arrays, not \(2, 57\)"):
            object_spectra(np.zeros((2, 57)), np.ones(2))


class TestTraining:
    def test_a_panel_per_network_and_one_of_ebops(self):
        drawing = training_curves(
            [
                TrainingHistory("VAE", [3.0, 2.0, 1.0], [3.1, 2.1, 1.2], [9e4, 5e4, 2e4], kept=3),
                TrainingHistory("AE", [2.0, 1.0], [2.2, 1.1]),
            ]
        )
        assert len(drawing.panels) == 3
        text = all_words(drawing)
        for wanted in ("VAE", "AE", "validation", "kept: epoch 3", "Epoch", "EBOPs"):
            assert wanted in text

    def test_without_ebops_there_is_no_panel_of_them(self):
        assert len(training_curves([TrainingHistory("AE", [2.0, 1.0], [2.2, 1.1])]).panels) == 1


def roc(label: str = "A → 4ℓ") -> RocCurve:
    rate = np.geomspace(1e-7, 1, 5000)
    kept = rate**0.3
    area = Figure(0.9512, "", Provenance.SIMULATED, 0.0021)
    return RocCurve(label, rate, kept, 0.1 * kept, area)


class TestRoc:
    def test_axes_legend_and_working_points(self):
        drawing = roc_curves([roc()], title="VAE, R_z", working_points=((1e-5, "FPR 10⁻⁵"), (1e-3, "1 kHz")))
        text = all_words(drawing)
        for wanted in (
            "A → 4ℓ, AUC 0.9512 ± 0.0021",
            "FPR 10⁻⁵",
            "1 kHz",
            "False-positive rate",
            "True-positive rate",
        ):
            assert wanted in text

    def test_working_points_left_of_the_axis_are_not_marked(self):
        assert "10⁻⁵" in all_words(roc_curves([roc()], title="x"))
        assert "10⁻⁵" not in all_words(roc_curves([roc()], title="x", lowest=1e-3))

    def test_curves_are_thinned(self):
        assert len(roc_curves([roc()], title="x").panels[0]) < 60_000


class TestScore:
    def test_thresholds_are_named_and_scores_over_decades_get_a_logarithmic_axis(self):
        random = np.random.default_rng(1)
        scores = {
            name: (np.exp(random.normal(mean, 1.5, 500)), np.ones(500))
            for name, mean in ((BACKGROUND, 0.0), ("A → 4ℓ", 3.0))
        }
        drawing = score_distribution(
            scores, background=BACKGROUND, title="VAE", thresholds={"FPR 10⁻⁵": 50.0}
        )
        assert "FPR 10⁻⁵" in all_words(drawing)
        assert "102" in all_words(drawing).replace(" ", "")  # a tick at ten to the second

    def test_nan_is_refused(self):
        bad = {BACKGROUND: (np.array([1.0, np.nan]), np.ones(2))}
        with pytest.raises(SampleError, match="NaN"):
            score_distribution(bad, background=BACKGROUND, title="x", thresholds={})


class TestEfficiency:
    def test_rows_are_signals_and_markers_are_triggers(self):
        points = [
            EfficiencyPoint(signal, trigger, simulated(value, 0.1))
            for signal, value in (("A → 4ℓ", 4.8), ("LQ → bτ", 0.3))
            for trigger in ("VAE", "AE")
        ]
        drawing = efficiency_points(points, title="1 kHz")
        assert [entry.label for entry in drawing.key] == ["VAE", "AE"]
        assert "A → 4ℓ" in all_words(drawing)
        assert "Signal efficiency [%]" in all_words(drawing)

    def test_an_efficiency_of_zero_is_an_arrow(self):
        zero, known = (EfficiencyPoint("LQ → bτ", "VAE", simulated(value, 0.1)) for value in (0.0, 0.5))
        with_arrow, without = (efficiency_points([point], title="x").panels[0] for point in (zero, known))
        assert with_arrow != without
        assert "10−1" in re.sub(r"\s", "", words(with_arrow))

    def test_no_efficiency_at_all_can_be_drawn(self):
        points = [EfficiencyPoint("LQ → bτ", "VAE", simulated(0.0, 0.0))]
        assert len(efficiency_points(points, title="x").panels) == 1

    @pytest.mark.parametrize("logarithmic", [True, False])
    def test_curves(self, logarithmic):
        x = np.geomspace(0.1, 100, 30)
        curve = EfficiencyCurve("A → 4ℓ", x, x.clip(0, 90), 0.1 * x)
        drawing = efficiency_curves([curve], title="VAE", marks=((1.0, "1 kHz"),), logarithmic=logarithmic)
        assert "Trigger rate [kHz]" in all_words(drawing)
        assert "1 kHz" in all_words(drawing)


class TestBitWidths:
    def test_a_map_per_weighted_layer_and_one_of_activations(self):
        weights = np.array([[0, 2, 4], [0, 0, 6]])
        drawing = bit_width_map(
            [LayerBits("dense", weights, np.array([5, 6, 7])), LayerBits("relu", None, np.array([4, 0, 6]))]
        )
        assert len(drawing.panels) == 2
        assert "4.0 bits mean, 50 % pruned" in words(drawing.panels[0])
        assert "Bits per weight" in words(drawing.panels[0])
        assert "<image" in drawing.panels[0]
        assert "relu" in words(drawing.panels[1])

    def test_a_layer_that_is_pruned_away_can_be_drawn(self):
        drawing = bit_width_map([LayerBits("dense", np.zeros((2, 2), int), np.zeros(2, int))])
        assert "100 % pruned" in words(drawing.panels[0])


PIPELINE = Pipeline(
    "VAE encoder",
    200.0,
    2,
    [PipelineLayer("dense_1", 0, 1, "dense"), PipelineLayer("score", 1, 2, "sum")],
    [912, 17],
    [("arXiv:2108.03986", Figure(80, "ns", Provenance.PUBLISHED, source="arXiv:2108.03986 Table III"))],
)


class TestPipeline:
    def test_layers_registers_latency_and_the_published_value_with_its_word(self):
        drawing = pipeline_chart(PIPELINE)
        for svg in (*drawing.panels, *drawing.narrow):
            text = words(svg)
            for wanted in (
                "dense_1",
                "score",
                "912",
                "10 ns, 2 cycles",
                "arXiv:2108.03986: 80 ns, published",
            ):
                assert wanted in text
            assert "929 in all" in text
            assert "a clock cycle is 5 ns" in text

    def test_the_narrow_drawing_is_one_panel_wide(self):
        assert 'viewBox="0 0 360 ' in pipeline_chart(PIPELINE).narrow[0]


class TestResources:
    def test_counts_shares_and_provenance(self):
        drawing = resource_bars(
            [LayerResources("dense_1", {"LUT": 11822.4, "FF": 10}), LayerResources("score", {"LUT": 100})],
            {"LUT": 1_182_240, "DSP": 6840},
            device="VU9P",
            provenance=Provenance.SYNTHESISED,
        )
        assert len(drawing.panels) == 2
        assert "11,822 (1 %)" in words(drawing.panels[0])
        assert "LUT (synthesised)" in words(drawing.panels[0])
        assert "0 of 6,840 on VU9P: 0 %" in words(drawing.panels[1])

"""Boosted trees of three libraries: what the library predicts, on the thresholds and one step beside them."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn import ensemble, tree

from nanosieve.compiler.frontends import Calibration, load_model, run_model
from nanosieve.compiler.frontends.formats import front_end
from nanosieve.compiler.frontends.trees import xgboost as xgboost_files
from nanosieve.compiler.frontends.trees.forest import LEAF, Forest, TreeNodes, forest_of
from nanosieve.compiler.frontends.trees.graph import forest_graph, leaf_exponent, threshold_codes
from nanosieve.compiler.frontends.trees.onnx import forest_of_onnx
from nanosieve.compiler.frontends.trees.ubjson import read_ubjson
from nanosieve.compiler.graph import Graph, decode, interpret
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.verification import simulate
from nanosieve.errors import InputFileError, NanosieveError, SampleError, UnsupportedLayerError

RNG = np.random.default_rng(0)
X = np.round(RNG.normal(0, 2, (1500, 6)) * 8) / 8  # coarse, so that thresholds fall on values
REAL = X[:, 0] * 2 + X[:, 1] * X[:, 2]
TWO = (REAL > 0).astype(int)
THREE = np.digitize(REAL, [-1, 2])
CLASSES = {"real": REAL, "two": TWO, "three": THREE}


def _xgboost(target: str, suffix: str, **settings: Any) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        kind = xgboost.XGBRegressor if target == "real" else xgboost.XGBClassifier
        model = kind(n_estimators=12, max_depth=4, n_jobs=1, **settings).fit(X, CLASSES[target])
        model.save_model(folder / f"model{suffix}")
        return folder / f"model{suffix}"

    return save


def _lightgbm(target: str, **settings: Any) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        kind = lightgbm.LGBMRegressor if target == "real" else lightgbm.LGBMClassifier
        model = kind(n_estimators=12, num_leaves=9, n_jobs=1, verbose=-1, **settings).fit(X, CLASSES[target])
        model.booster_.save_model(folder / "model.txt")
        return folder / "model.txt"

    return save


def _sklearn(target: str, kind: Any, **settings: Any) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        skops.io.dump(kind(random_state=1, **settings).fit(X, CLASSES[target]), folder / "model.skops")
        return folder / "model.skops"

    return save


FEW = {"n_estimators": 6, "max_depth": 4}
MODELS = {
    "xgboost margin, JSON": _xgboost("two", ".json"),
    "xgboost margin, UBJSON": _xgboost("two", ".ubj", gamma=2),  # pruned: nodes that nothing reaches
    "xgboost classes": _xgboost("three", ".ubj"),
    "xgboost value": _xgboost("real", ".json"),
    "xgboost dart": _xgboost("two", ".json", booster="dart", rate_drop=0.3),
    "lightgbm margin": _lightgbm("two"),
    "lightgbm classes": _lightgbm("three"),
    "lightgbm value": _lightgbm("real"),
    "lightgbm average": _lightgbm("real", boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
    "sklearn boosted margin": _sklearn("two", ensemble.GradientBoostingClassifier, n_estimators=8),
    "sklearn boosted classes": _sklearn("three", ensemble.GradientBoostingClassifier, n_estimators=4),
    "sklearn boosted value": _sklearn("real", ensemble.GradientBoostingRegressor, n_estimators=8),
    "sklearn forest of two": _sklearn("two", ensemble.RandomForestClassifier, **FEW),
    "sklearn forest of three": _sklearn("three", ensemble.ExtraTreesClassifier, **FEW),
    "sklearn forest value": _sklearn("real", ensemble.RandomForestRegressor, **FEW),
    "sklearn tree": _sklearn("three", tree.DecisionTreeClassifier, max_depth=4),
    "sklearn histogram": _sklearn("two", ensemble.HistGradientBoostingClassifier, max_iter=2, max_depth=4),
    "sklearn histogram value": _sklearn("real", ensemble.HistGradientBoostingRegressor, max_iter=4),
}


def near_thresholds(forest: Forest, graph: Graph, events: int = 2000) -> np.ndarray:
    """Codes on, one step below and one step above thresholds of each feature, and anywhere."""
    port = graph.inputs["features"]
    inner = np.flatnonzero(forest.feature != LEAF)
    codes = threshold_codes(forest, port.exponent)
    rng = np.random.default_rng(1)
    x = rng.integers(port.low, port.high + 1, (events, forest.features))
    for feature in range(forest.features):
        own = codes[inner[forest.feature[inner] == feature]]
        if own.size:
            near = rng.choice(own, events) + rng.integers(-1, 2, events)
            x[:, feature] = np.where(rng.random(events) < 0.9, near, x[:, feature])
    return np.clip(x, port.low, port.high)


def scores(graph: Graph, codes: np.ndarray) -> np.ndarray:
    found = interpret(graph, {"features": codes})["score"]
    return decode(found, graph.types[graph.outputs["score"]])


def rounded(forest: Forest) -> Forest:
    """The forest with the leaves of the graph."""
    step = 2.0 ** leaf_exponent(forest)[0]
    return replace(forest, value=np.rint(forest.value / step) * step, base=np.rint(forest.base / step) * step)


@pytest.mark.parametrize("name", MODELS)
def test_library_forest_and_graph_agree(name: str, tmp_path: Path) -> None:
    path = MODELS[name](tmp_path)
    forest, graph = front_end(path).read_forest(path), load_model(path)
    codes = near_thresholds(forest, graph)
    x = decode(codes, graph.inputs["features"])
    library = run_model(path, {"features": x})["score"]
    span = library.max() - library.min()
    np.testing.assert_allclose(forest.predict(x), library, rtol=0, atol=2e-6 * span)  # float32 sums
    assert np.array_equal(scores(graph, codes), rounded(forest).predict(x))
    assert np.abs(scores(graph, codes) - library).max() < 2e-3 * span
    assert not graph.exact


def test_without_the_libraries_the_trees_of_the_file_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = MODELS["xgboost value"](tmp_path)
    library = run_model(path, {"features": X})["score"]
    monkeypatch.setattr(xgboost_files, "installed", lambda module: None)
    np.testing.assert_allclose(run_model(path, {"features": X})["score"], library, rtol=1e-5)


@pytest.mark.parametrize("fault", ["threshold", "swap", "leaf"])
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    path = MODELS["lightgbm margin"](tmp_path)
    forest, graph = front_end(path).read_forest(path), load_model(path)
    codes = near_thresholds(forest, graph)
    port = graph.inputs["features"]
    good = rounded(forest).predict(decode(codes, port))
    assert np.array_equal(scores(graph, codes), good)
    node = int(forest.roots[3])
    if fault == "threshold":
        moved = forest.threshold.copy()
        moved[node] += 2.0 ** port.exponent[forest.feature[node]]
        wrong = replace(forest, threshold=moved)
    elif fault == "swap":
        left, right = forest.left.copy(), forest.right.copy()
        left[node], right[node] = right[node], left[node]
        wrong = replace(forest, left=left, right=right)
    else:
        value = forest.value.copy()
        value[np.flatnonzero(forest.feature == LEAF)[5]] += 2.0 ** leaf_exponent(forest)[0]
        wrong = replace(forest, value=value)
    assert not np.array_equal(scores(forest_graph(wrong, name="wrong"), codes), good)


def forest(**changes: Any) -> Forest:
    """Two trees over three features, with leaves that are short binary numbers."""
    parts: dict[str, Any] = {
        "feature": np.array([0, 2, LEAF, LEAF, LEAF]),
        "threshold": np.array([1.5, -0.25, 0, 0, 0]),
        "left": np.array([1, 2, -1, -1, -1]),
        "right": np.array([4, 3, -1, -1, -1]),
        "value": np.array([[0], [0], [0.5], [-0.25], [1.125]]),
        "inclusive": False,
    }
    parts.update(changes)
    single = TreeNodes(
        np.array([LEAF]), np.zeros(1), np.array([-1]), np.array([-1]), np.array([[0.125]]), False
    )
    return forest_of([TreeNodes(**parts), single], 0.25, 1, 3, "toy")


class TestTheGraph:
    @pytest.mark.parametrize("inclusive", [False, True])
    def test_on_a_threshold(self, inclusive: bool) -> None:
        toy = forest(inclusive=inclusive)
        graph = forest_graph(toy, name="toy", calibration=Calibration(X, "fixed<8,4>"))
        assert graph.exact
        x = np.array([[1.5, 0, 0], [1.4375, 0, -0.25], [1.4375, 0, -0.3125], [1.5625, 0, 0]])
        right, deep = 1.125 + 0.375, (0.5 if inclusive else -0.25) + 0.375
        left = -0.25 + 0.375
        expected = [left if inclusive else right, deep, 0.5 + 0.375, right]
        assert scores(graph, (x * 16).astype(int)).ravel().tolist() == expected

    def test_between_two_codes(self) -> None:
        """A threshold that the port cannot hold compares as with the real number."""
        for inclusive in (False, True):
            toy = forest(threshold=np.array([1.47, -0.2501, 0, 0, 0]), inclusive=inclusive)
            graph = forest_graph(toy, name="toy", calibration=Calibration(X, "fixed<6,3>"))
            codes = np.stack(np.meshgrid(np.arange(-32, 32), [0], np.arange(-32, 32)), -1).reshape(-1, 3)
            assert np.array_equal(scores(graph, codes), toy.predict(codes / 8))

    def test_a_feature_that_nothing_asks_for_takes_no_bits(self) -> None:
        port = forest_graph(forest(), name="toy").inputs["features"]
        assert port.width.tolist() == [16, 0, 16]

    def test_the_port_holds_every_threshold_and_its_neighbours(self) -> None:
        for size in (1e-3, 0.4999999, 0.5, 1, 1.99, 2, 1023.99, 1e6):
            toy = forest(threshold=np.array([size, -size, 0, 0, 0]))
            port = forest_graph(toy, name="toy").inputs["features"]
            codes = threshold_codes(toy, port.exponent)[:2]
            assert (codes - 1 >= port.low[[0, 2]]).all()
            assert (codes + 1 <= port.high[[0, 2]]).all()

    def test_the_decision_on_request(self) -> None:
        rng = np.random.default_rng(4)
        toy = forest_of(
            [
                TreeNodes(
                    np.array([n, LEAF, LEAF]), np.array([0.5, 0, 0]), np.array([1, -1, -1]),
                    np.array([2, -1, -1]), rng.integers(-8, 8, (3, 4)) / 8, True,
                )
                for n in range(3)
            ], 0.0, 4, 3, "toy",
        )  # fmt: skip
        graph = forest_graph(toy, name="toy", decision=True)
        codes = near_thresholds(toy, graph, 100)
        found = interpret(graph, {"features": codes})
        assert np.array_equal(found["class"], np.argmax(found["score"], axis=1)[:, np.newaxis])

    @pytest.mark.slow
    def test_verilog_of_a_small_forest(self, tmp_path: Path) -> None:
        model = xgboost.XGBClassifier(n_estimators=2, max_depth=3, n_jobs=1).fit(X, THREE)
        path = tmp_path / "small.json"
        model.save_model(path)
        small = front_end(path).read_forest(path)
        graph = forest_graph(small, name="small", decision=True)
        codes = near_thresholds(small, graph, 400)
        design = build_design(graph, Budget(latency="10 us"), extra_depth=0)
        rtl = simulate(design.write(tmp_path / "rtl"), {"features": codes})
        for name, expected in interpret(graph, {"features": codes}).items():
            assert np.array_equal(rtl.outputs[name], expected)


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"left": np.array([0, 2, -1, -1, -1])}, "tree 0: a node is reached twice"),
            ({"left": np.array([1, 4, -1, -1, -1])}, "a node is reached twice"),
            ({"right": np.array([9, 3, -1, -1, -1])}, "a child is not one of its 5 nodes"),
            ({"feature": np.array([3, 2, LEAF, LEAF, LEAF])}, "a feature outside of 0 … 2"),
            ({"feature": np.array([-5, 2, LEAF, LEAF, LEAF])}, "a feature outside of 0 … 2"),
            ({"threshold": np.array([np.nan, 0, 0, 0, 0])}, "a threshold or leaf is not finite"),
            ({"value": np.full((5, 1), np.inf)}, "a threshold or leaf is not finite"),
            ({"threshold": np.zeros(4)}, "its arrays differ in length"),
        ],
    )
    def test_a_tree_that_is_none(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(InputFileError, match=f"^toy: tree 0: .*{message.removeprefix('tree 0: ')}; the"):
            forest(**changes)

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.json", b"{}", r"a\.json is not a model of XGBoost \(KeyError 'learner'\); save it with"),
            ("a.json", b"[" * 100_000, "is not a model of XGBoost .RecursionError"),
            ("a.json", b"{", "is not a model of XGBoost .JSONDecodeError"),
            ("a.ubj", b"{L", "is not a model of XGBoost .ValueError the file is cut off"),
            ("a.ubj", b"[" * 1000, "it is nested too deeply"),
            ("a.ubj", b"[$d#L" + struct.pack(">q", 1 << 40), "the file is cut off"),
            ("a.ubj", b"Q", "marker 'Q' at byte 0"),
            ("a.txt", b"hello", "is not a model of LightGBM .KeyError 'num_tree|does not start with"),
            ("a.txt", b"tree\nnum_tree_per_iteration=1\nmax_feature_idx=1\n\nTree=0\n", "or is cut off"),
            ("a.skops", b"PK", r"a\.skops is not a model saved with skops\.io\.dump"),
        ],
    )
    def test_damaged(self, name: str, content: bytes, message: str, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputFileError, match=message) as caught:
            load_model(tmp_path / name)
        assert "\n" not in str(caught.value)

    def test_every_cut_of_a_file_is_noticed(self, tmp_path: Path) -> None:
        for save in (_xgboost("two", ".ubj"), _lightgbm("two")):
            path = save(tmp_path)
            content = path.read_bytes()
            end = content.find(b"end of trees") if path.suffix == ".txt" else len(content)
            for cut in np.linspace(0, end - 1, 30).astype(int):
                path.write_bytes(content[:cut])
                with pytest.raises(InputFileError):
                    load_model(path)

    def test_categories_are_refused(self, tmp_path: Path) -> None:
        x = X.copy()
        x[:, 0] = np.arange(len(x)) % 4
        model = xgboost.XGBRegressor(
            n_estimators=2, enable_categorical=True, feature_types=["c"] + ["q"] * 5, max_cat_to_onehot=1
        )
        model.fit(x, x[:, 0] % 2).save_model(tmp_path / "a.json")
        lightgbm.train(
            {"verbose": -1, "min_data_per_group": 1, "cat_smooth": 0},
            lightgbm.Dataset(x, x[:, 0] % 2, categorical_feature=[0]),
            2,
        ).save_model(tmp_path / "a.txt")
        histogram = ensemble.HistGradientBoostingRegressor(max_iter=2, categorical_features=[0])
        skops.io.dump(histogram.fit(x, x[:, 0] % 2), tmp_path / "a.skops")
        with pytest.raises(UnsupportedLayerError, match=r"ColumnTransformer .* no part of a tree ensemble"):
            load_model(tmp_path / "a.skops")
        for suffix in ("json", "txt"):
            with pytest.raises(
                UnsupportedLayerError, match="it has a categorical split; encode the categori"
            ):
                load_model(tmp_path / f"a.{suffix}")

    def test_what_is_no_ensemble_of_trees_is_refused(self, tmp_path: Path) -> None:
        model = xgboost.XGBRegressor(n_estimators=2, booster="gblinear").fit(X, REAL)
        model.save_model(tmp_path / "a.json")
        with pytest.raises(UnsupportedLayerError, match="booster 'gblinear' has no trees; train with gbtree"):
            load_model(tmp_path / "a.json")
        _lightgbm("real", linear_tree=True)(tmp_path)
        with pytest.raises(UnsupportedLayerError, match="its leaves are linear functions"):
            load_model(tmp_path / "model.txt")
        _sklearn("two", ensemble.AdaBoostClassifier, n_estimators=2)(tmp_path)
        with pytest.raises(UnsupportedLayerError, match="AdaBoostClassifier is not supported; accepted are"):
            load_model(tmp_path / "model.skops")

    @pytest.mark.parametrize(
        ("module", "name", "loader"),
        [
            ("os", "system", "FunctionNode"),
            ("builtins", "eval", "TypeNode2"),
            ("sklearn.svm", "SVC", "ObjectNode"),
        ],
    )
    def test_types_from_elsewhere_are_not_loaded(
        self, module: str, name: str, loader: str, tmp_path: Path
    ) -> None:
        path = _sklearn("two", tree.DecisionTreeClassifier, max_depth=2)(tmp_path)
        with zipfile.ZipFile(path) as archive:
            members = {member: archive.read(member) for member in archive.namelist()}
        schema = json.loads(members["schema.json"])
        schema["content"]["content"]["more"] = {
            "__module__": module, "__class__": name, "__loader__": loader, "content": {},
        }  # fmt: skip
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in {**members, "schema.json": json.dumps(schema).encode()}.items():
                archive.writestr(member, content)
        with pytest.raises(
            UnsupportedLayerError, match=rf"it names {module}\.{name} \({loader}\), which is no"
        ):
            load_model(path)

    def test_a_zero_that_counts_as_missing(self, tmp_path: Path) -> None:
        path = _lightgbm("two", zero_as_missing=True)(tmp_path)
        text = path.read_text()
        assert "decision_type=" in text
        with pytest.raises(
            UnsupportedLayerError, match="zeros count as missing; train with zero_as_missing=f"
        ):
            load_model(path)

    def test_events_that_do_not_fit(self, tmp_path: Path) -> None:
        path = MODELS["xgboost value"](tmp_path)
        for x in (X[:, :3], np.full_like(X, np.nan)):
            with pytest.raises(SampleError, match=r"takes finite numbers \(events, 6\)"):
                run_model(path, {"features": x})
        with pytest.raises(NanosieveError, match="unknown input 'x'"):
            run_model(path, {"x": X})


def test_ubjson_of_every_kind() -> None:
    content = b"[ZTFi\xffU\xffI\x01\x00CaSU\x02hi{U\x01ai\x05}[#U\x01i\x07{$i#U\x01U\x01bi]"
    assert read_ubjson(content) == [None, True, False, -1, 255, 256, "a", "hi", {"a": 5}, [7], {"b": 105}]


def onnx_attributes() -> dict[str, Any]:
    return {
        "nodes_treeids": [0, 0, 0, 1, 1, 1],
        "nodes_nodeids": [0, 1, 2, 0, 1, 2],
        "nodes_featureids": [0, 0, 0, 1, 0, 0],
        "nodes_values": [0.5, 0, 0, -1.0, 0, 0],
        "nodes_modes": [b"BRANCH_LEQ", b"LEAF", b"LEAF", b"BRANCH_GTE", b"LEAF", b"LEAF"],
        "nodes_truenodeids": [1, 0, 0, 1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0, 2, 0, 0],
        "target_treeids": [0, 0, 1, 1],
        "target_nodeids": [1, 2, 1, 2],
        "target_ids": [0, 0, 0, 0],
        "target_weights": [1.0, 2.0, 10.0, 20.0],
        "n_targets": 1,
        "base_values": [0.5],
    }


class TestOnnx:
    def test_a_regressor(self) -> None:
        found = forest_of_onnx(onnx_attributes(), 2, "node 'trees'")
        x = np.array([[0.5, -1.0], [0.75, -1.5]])
        assert found.predict(x).ravel().tolist() == [0.5 + 1 + 10, 0.5 + 2 + 20]

    def test_an_average(self) -> None:
        found = forest_of_onnx({**onnx_attributes(), "aggregate_function": b"AVERAGE"}, 2, "node 'trees'")
        assert found.predict(np.array([[0.5, -1.0]])).item() == 0.5 + (1 + 10) / 2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"aggregate_function": b"MIN"}, r"^node 'trees': aggregate_function 'MIN'; export the"),
            ({"nodes_modes": [b"BRANCH_EQ"] * 6}, "a node of mode 'BRANCH_EQ'; accepted are BRANCH_LEQ"),
            ({"nodes_values": [1.0]}, "the attributes of the tree ensemble do not fit together"),
            ({"target_nodeids": [1, 2, 1, 9]}, "do not fit together .KeyError 9"),
            ({"nodes_truenodeids": [7] * 6}, "a child is not one of its 3 nodes"),
        ],
    )  # fmt: skip
    def test_refused(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(NanosieveError, match=message):
            forest_of_onnx({**onnx_attributes(), **change}, 2, "node 'trees'")

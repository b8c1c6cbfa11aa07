"""Small models of every Keras and HGQ2 layer that the front end knows, several layers in a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hgq.layers as q
import keras
from hgq.quantizer import Quantizer
from keras import ops

from helpers.hgq_models import kbi, kif

K = keras.layers
Build = Callable[[Any], Any]
WEIGHTS = {"kq_conf": kbi(), "bq_conf": kif("bias")}
OUT = {"oq_conf": kif(rounding="TRN", overflow="WRAP"), "enable_oq": True}
IN_OUT = {"iq_conf": kif(), **OUT}
ONE = {"heterogeneous_axis": (), "homogeneous_axis": None}
"""One quantiser for all elements."""

LAYERS: dict[str, tuple[tuple[int, ...], Build]] = {}
"""Name → shape of the input, and the outputs."""


def _model(name: str, *shape: int) -> Callable[[Build], Build]:
    def add(build: Build) -> Build:
        LAYERS[name] = (shape, build)
        return build

    return add


def fresh(x: Any, **bits: int) -> Any:
    """A quantised value, so that sums stay narrow enough for float32."""
    return Quantizer(kif(overflow="WRAP", rounding="TRN", **bits))(x)


@_model("dense and einsum", 4, 3)
def _dense(x: Any) -> Any:
    return [
        q.QEinsumDense("bnc,nd->bdc", (2, 3), bias_axes="c", **WEIGHTS, **IN_OUT)(x),
        q.QEinsumDense("bnc,ncd->bnd", (4, 2), bias_axes="d", **WEIGHTS)(x),
        q.QEinsumDense("...c,cd->...d", (4, 2), bias_axes="d", activation="relu", **WEIGHTS)(x),
        q.QEinsumDenseBatchnorm("bnc,nd->bdc", (2, 3), bias_axes="d", **WEIGHTS)(x),
        q.QDense(3, activation="relu6", **WEIGHTS, **IN_OUT)(x),
        q.QBatchNormDense(3, **WEIGHTS, **IN_OUT)(x),
    ]


@_model("convolution over one axis", 7, 4)
def _conv1d(x: Any) -> Any:
    causal = kif(heterogeneous_axis=(-1,), homogeneous_axis=None)
    return [
        q.QConv1D(3, 3, **WEIGHTS, **IN_OUT)(x),
        q.QConv1D(4, 4, strides=2, padding="same", activation="relu", **WEIGHTS)(x),
        q.QConv1D(4, 3, dilation_rate=2, padding="same", groups=2, **WEIGHTS)(x),
        q.QConv1D(4, 3, padding="causal", dilation_rate=2, iq_conf=causal, **WEIGHTS)(x),
        q.QConv1D(8, 3, groups=4, use_bias=False, **WEIGHTS)(x),  # depthwise, two filters to a channel
    ]


@_model("convolution over two axes", 5, 6, 2)
def _conv2d(x: Any) -> Any:
    thin = {"use_bias": False, "kq_conf": kbi(), "iq_conf": kif()}
    return [
        q.QConv2D(3, (3, 2), **WEIGHTS, **IN_OUT)(x),
        q.QConv2D(4, 3, strides=2, padding="same", groups=2, activation="relu", **WEIGHTS)(x),
        q.QConv2D(2, 2, dilation_rate=(2, 1), padding="same", **thin)(x),
    ]


@_model("convolution over three axes", 3, 4, 3, 2)
def _conv3d(x: Any) -> Any:
    return q.QConv3D(3, (2, 2, 2), padding="same", **WEIGHTS, **IN_OUT)(x)


@_model("pooling over one axis", 7, 3)
def _pool1d(x: Any) -> Any:
    return [
        q.QMaxPooling1D(3, 2, padding="same", iq_conf=kif())(x),
        K.MaxPooling1D(2)(x),
        K.AveragePooling1D(4, 3)(x),
        q.QAveragePooling1D(3, 2, padding="same", **IN_OUT)(x),
        q.QAveragePooling1D(3, 2, **IN_OUT)(x),
        K.GlobalMaxPooling1D()(x),
        q.QGlobalMaxPooling1D(iq_conf=kif())(x),
        q.QGlobalAveragePooling1D(keepdims=True, **IN_OUT)(x),
        K.GlobalAveragePooling1D()(K.Cropping1D((1, 2))(x)),
    ]


@_model("pooling over two axes", 4, 6, 2)
def _pool2d(x: Any) -> Any:
    even = kif(rounding="RND_CONV", **ONE)
    return [
        q.QMaxPooling2D(3, 2, padding="same", iq_conf=kif())(x),
        K.MaxPooling2D(2, data_format="channels_first")(x),
        K.AveragePooling2D(2)(x),
        q.QAveragePooling2D((2, 3), 2, padding="same", **IN_OUT)(x),
        q.QAveragePooling2D(3, 1, iq_conf=kif(), oq_conf=even, enable_oq=True)(x),
        K.GlobalMaxPooling2D(keepdims=True)(x),
        q.QGlobalMaxPooling2D(iq_conf=kif())(x),
        q.QGlobalAveragePooling2D(**IN_OUT)(x),
        K.GlobalAveragePooling2D()(K.Cropping2D(((0, 0), (1, 1)))(x)),
    ]


@_model("pooling over three axes", 2, 4, 2, 2)
def _pool3d(x: Any) -> Any:
    return [
        q.QMaxPooling3D(2, iq_conf=kif())(x),
        K.MaxPooling3D((2, 3, 1), 1)(x),
        K.AveragePooling3D(2)(x),
        q.QAveragePooling3D((2, 3, 1), **IN_OUT)(x),
        K.GlobalMaxPooling3D()(x),
        q.QGlobalMaxPooling3D(iq_conf=kif())(x),
        K.GlobalAveragePooling3D()(x),
        q.QGlobalAveragePooling3D(**IN_OUT)(x),
    ]


@_model("batch normalisation over any axis", 4, 3, 2)
def _batch_normalization(x: Any) -> Any:
    config = {"kq_conf": kif("weight"), "bq_conf": kif("bias"), **IN_OUT}
    return [q.QBatchNormalization(axis=axis, **config)(x) for axis in (1, 2, -1, -2)]


@_model("merges", 2, 3)
def _merges(x: Any) -> Any:
    y, z = fresh(x), fresh(x)
    row = K.Reshape((1, 3))(q.QDense(3, **WEIGHTS)(K.Flatten()(y)))
    return [
        q.QAdd(iq_confs=[kif()] * 3)([x, y, z]),
        q.QAveragePow2()([x, y, z]),
        q.QMultiply()([x, y, z]),
        q.QMaximum()([x, y, z]),
        q.QMinimum(iq_confs=kif())([x, y]),
        q.QSubtract(**OUT)([x, y]),
        K.Average()([x, y]),
        K.Add()([x, row]),
        K.Maximum()([y, z]),
        K.Subtract()([y, row]),
        K.Multiply()([y, y]),
        K.Concatenate(axis=1)([y, row, z]),
        K.Minimum()([y, K.Flatten()(row)]),
    ]


@_model("sums of products", 2, 3)
def _dots(x: Any) -> Any:
    y = fresh(x)
    z = fresh(q.QDense(3, **WEIGHTS)(fresh(x)))
    return [
        q.QDot(axes=(2, 2))([y, z]),
        q.QDot(axes=1)([y, z]),
        q.QDot(axes=1)([K.Flatten()(y), K.Flatten()(z)]),
        q.QEinsum("bij,bkj->bik")([y, z]),
        q.QEinsum("...ij,...ij->...i", iq_confs=kif())([y, z]),
        q.QSum(axes=1, scale=0.5)(y),
        q.QSum(axes=(1, 2), keepdims=True)(y),
        q.QMeanPow2(axes=1)(y),
        K.Dot(axes=(1, 1))([y, z]),
    ]


@_model("shapes", 3, 4, 2)
def _shapes(x: Any) -> Any:
    y = fresh(x)
    rows, volume = K.Reshape((-1, 2))(y), K.Reshape((3, 2, 2, 2))(y)
    first = {"data_format": "channels_first"}
    return [
        K.Permute((2, 1, 3))(y),
        K.ZeroPadding2D(((1, 0), (2, 1)))(y),
        K.ZeroPadding2D(1, **first)(y),
        K.ZeroPadding1D((1, 2))(rows),
        K.ZeroPadding3D(1)(volume),
        K.Cropping2D(((1, 0), (0, 1)))(y),
        K.Cropping1D((1, 2))(rows),
        K.Cropping3D(((1, 0), (0, 1), (0, 0)))(volume),
        K.UpSampling2D((2, 3))(y),
        K.UpSampling1D(2)(rows),
        K.UpSampling3D((1, 2, 1))(volume),
        K.Flatten()(y),
        K.Flatten(**first)(y),
        K.RepeatVector(3)(K.Flatten()(y)),
        K.Identity()(K.SpatialDropout1D(0.1)(K.GaussianNoise(0.1)(K.GaussianDropout(0.1)(rows)))),
        K.SpatialDropout3D(0.1)(K.ActivityRegularization(0.1)(K.SpatialDropout3D(0.1)(volume))),
        K.SpatialDropout2D(0.1)(y),
    ]


@_model("functions", 4)
def _functions(x: Any) -> Any:
    y = fresh(x)
    narrow = {"kq_conf": kbi(), "bq_conf": kif("bias", i0=0, f0=2), "iq_conf": kif(i0=1, f0=1)}
    return [
        K.ReLU(max_value=2.5)(y),
        K.ReLU(threshold=0.75)(y),
        K.ReLU(threshold=0.75, max_value=1.5)(y),
        K.Activation("relu6")(y),
        K.Activation("hard_tanh")(y),
        K.Activation("tanh")(y),
        K.Activation("sigmoid")(y),
        q.QUnaryFunctionLUT("sigmoid", iq_conf=kif(), oq_conf=kif("table"))(x),
        q.QUnaryFunctionLUT("hard_sigmoid", iq_conf=kif(**ONE), oq_conf=kif("table", **ONE))(x),
        q.QAffinedUnaryFunctionLUT("tanh", iq_conf=kif(), oq_conf=kif("table"))(x),
        q.QDense(2, activation="tanh", **narrow, **OUT)(x),
        Quantizer(kif(scaler=0.25, affine=(0.5, 0.75)))(x),
    ]


@_model("softmax", 3, 4)
def _softmax(x: Any) -> Any:
    return [
        q.QSoftmax(enable_iq=True, iq_conf=kif(), **OUT)(x),
        q.QSoftmax(stable=False, enable_iq=True, iq_conf=kif(i0=2, f0=2))(x),
        q.QSoftmax(axis=1, exp_iq_conf=kif(), allow_heterogeneous_table=True)(fresh(x)),
        q.QSoftmax(axis=(1, 2), input_scaler=0.3)(fresh(x)),
    ]


@_model("recurrent", 4, 3)
def _recurrent(x: Any) -> Any:
    tables = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    return [
        q.QGRU(3, iq_conf=kif())(x),
        q.QGRU(3, reset_after=False, return_sequences=True, go_backwards=True)(x),
        q.QGRU(2, use_bias=False, paq_conf=kif(), praq_conf=kif(), **tables)(x),
        q.QSimpleRNN(3, return_sequences=True)(x),
        q.QSimpleRNN(2, enable_sq=True, activation="tanh")(x),
        q.QSimpleRNN(2, return_state=True)(x)[0],
    ]


@_model("recurrent, both ways", 3, 2)
def _bidirectional(x: Any) -> Any:
    return [
        K.Bidirectional(q.QSimpleRNN(2, return_sequences=True))(x),
        K.Bidirectional(q.QGRU(2))(x),
        K.Bidirectional(q.QSimpleRNN(2), merge_mode="mul")(x),
        K.Bidirectional(q.QSimpleRNN(2), merge_mode="ave")(x),
        K.Bidirectional(q.QSimpleRNN(2), merge_mode="sum")(x),
        K.Bidirectional(q.QSimpleRNN(2), merge_mode=None)(x)[1],
    ]


@_model("attention", 4, 3)
def _attention(x: Any) -> Any:
    direct = {"fuse": "qkv", "stable_softmax": False, "softmax_iq_conf": kif(i0=2, f0=1)}
    other = fresh(q.QDense(2, **WEIGHTS)(x))
    return [
        q.QMultiHeadAttention(2, 3)(x),
        q.QMultiHeadAttention(1, 2, **direct)(x, x),
        q.QMultiHeadAttention(1, 2, output_shape=3)(x, other, key=x),
        q.QLinformerAttention(2, 3, 2)(x),
    ]


@_model("tables on edges", 4, 3)
def _tables(x: Any) -> Any:
    return [
        q.QDenseT(3, batch_norm=True)(x),
        q.QEinsumDenseT("bnc,cd->bnd", (4, 2), bias_axes="d")(x),
        q.QEinsumDenseT("bnc,nd->bdc", (2, 3), batch_norm=True)(x),
        q.QConvT1D(2, 2, padding="same", subnn_activation="tanh")(x),
    ]


@_model("tables in images and attention", 3, 2, 2)
def _more_tables(x: Any) -> Any:
    rows = K.Reshape((6, 2))(x)
    return [
        q.QConvT2D(2, 2, subnn_activation="tanh")(x),
        q.QMultiHeadAttentionT(1, 2)(rows),
        q.QLinformerAttentionT(1, 3, 2)(rows),
    ]


@_model("operations that move", 2, 3)
def _moves(x: Any) -> Any:
    y, z = fresh(x), fresh(x)
    return [
        ops.transpose(y, (0, 2, 1)),
        y[:, 0],
        y[:, :, 1:],
        ops.concatenate([y, z], axis=1),
        ops.stack([y, z], axis=1),
        ops.split(y, 2, axis=1)[1],
        ops.expand_dims(y, 1),
        ops.squeeze(y[:, :1], 1),
        ops.pad(y, ((0, 0), (1, 0), (0, 2))),
        ops.take(y, [0, 2], axis=2),
        ops.flip(y, 1),
        ops.repeat(y, 2, axis=1),
        ops.reshape(y, (-1, 6)),
        ops.roll(y, 1, axis=2),
        ops.tile(y, (1, 2, 1)),
        ops.moveaxis(y, 1, 2),
        ops.swapaxes(y, 1, 2),
    ]


@_model("operations that compute", 2, 3)
def _operations(x: Any) -> Any:
    y, z = fresh(x), fresh(x)
    return [
        ops.add(y, z),
        y * 2.5,
        1.5 - y,
        y / 4,
        -y,
        ops.maximum(y, 0.25),
        ops.minimum(y, z),
        ops.matmul(y, ops.transpose(z, (0, 2, 1))),
        ops.einsum("bij,bij->bi", y, z),
        ops.sum(y, axis=1),
        ops.mean(y, axis=1, keepdims=True),
        ops.max(y, axis=(1, 2)),
        ops.min(y, axis=2),
        ops.sort(y, axis=1),
        ops.top_k(y, 2)[0],
        ops.argmax(Quantizer(kif())(x), axis=-1),
        ops.relu(y),
        ops.relu6(y),
        ops.leaky_relu(y, 0.25),
        ops.abs(y),
        ops.square(y),
        ops.clip(y, -1, 0.5),
        ops.tanh(y),
        ops.where(ops.greater(y, z), y, z),
        ops.cast(ops.less(y, 0.5), "float32"),
        ops.less_equal(y, z),
        ops.greater_equal(y, 0.25),
        ops.hard_tanh(y),
    ]


@_model("operations by table", 3)
def _table_operations(x: Any) -> Any:
    y = fresh(x, i0=1)
    positive = ops.maximum(y, 0.5)
    plain = [
        ops.elu, ops.erf, ops.exp, ops.gelu, ops.hard_sigmoid, ops.hard_silu, ops.selu, ops.sigmoid, ops.silu,
        ops.softplus, ops.softsign, ops.tanh,
    ]  # fmt: skip
    return [
        *(Quantizer(kif())(function(y)) for function in plain),
        *(
            Quantizer(kif())(function(positive))
            for function in (ops.log, ops.reciprocal, ops.rsqrt, ops.sqrt)
        ),
    ]


@_model("models in models", 3)
def _nested(x: Any) -> Any:
    given = keras.Input((3,))
    inner = keras.Model(given, K.ReLU(name="relu")(q.QDense(3, name="dense", **WEIGHTS)(given)), name="inner")
    several = keras.Sequential([keras.Input((3,)), q.QDense(3, **WEIGHTS), K.ReLU()], name="several")
    layer = q.QDense(3, name="twice", **WEIGHTS)
    return [inner(inner(x)), several(x), layer(layer(x))]

"""Published weights of Mask R-CNN are taken by their names, wholly or not at all."""

import dataclasses as dc

import numpy as np
import pytest
import tensorflow as tf
import weight_files
from toy_images import NARROW

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.files.errors import ScanError
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.weights.mask_rcnn import load_mask_rcnn
from gspn_tf.image.weights.matterport import matterport_table
from gspn_tf.image.weights.torchvision import torchvision_table

WRITE = {"zip": weight_files.write_torch, "legacy": weight_files.write_legacy_torch}
SOME = ("num_classes", "blocks", "width", "pyramid_units", "head_units", "mask_units")
MATTERPORT = dc.replace(
    MaskRCNNConfig.matterport(), **{name: getattr(NARROW, name) for name in SOME}
)


def arrays_for(table, seed=0):
    """Random arrays of a table's names and shapes; variances are positive."""
    rng = np.random.default_rng(seed)
    shapes = {name: shape for weight in table for name, shape in weight.sources.items()}
    return {
        name: np.float32(rng.uniform(0.1, 1, shape))
        if "var" in name
        else np.float32(rng.normal(0, 0.3, shape))
        for name, shape in shapes.items()
    }


def with_old_names(tensors):
    """The tensors by the names of torchvision before 0.13."""
    found = {}
    for name, tensor in tensors.items():
        name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        if "fpn" in name:
            *start, _, part = name.split(".")
            name = ".".join([*start, part])
        if ".mask_head." in name:
            *_, number, _, part = name.split(".")
            name = f"roi_heads.mask_head.mask_fcn{int(number) + 1}.{part}"
        found[name] = tensor
    return found


@pytest.mark.parametrize("layout, old", [("zip", False), ("legacy", True)])
def test_torchvisions_names(layout, old, tmp_path):
    model = MaskRCNN(NARROW)
    tensors = arrays_for(torchvision_table(model))
    named = with_old_names(tensors) if old else tensors
    if old:
        assert "backbone.fpn.inner_blocks.3.weight" in named
        assert "rpn.head.conv.weight" in named
        assert "roi_heads.mask_head.mask_fcn2.bias" in named
    more = {"backbone.body.bn1.num_batches_tracked": np.array(3)}
    load_mask_rcnn(model, WRITE[layout](tmp_path / "a.pth", named | more))
    block = model.backbone.stages[2].blocks[0]
    theirs = tensors["backbone.body.layer3.0.conv2.weight"]
    np.testing.assert_array_equal(block.convolve.kernel, theirs.transpose(2, 3, 1, 0))
    theirs = tensors["backbone.body.layer3.0.downsample.1.running_var"]
    np.testing.assert_array_equal(block.shortcut.variance, theirs)
    # Features of a region are rows of channels there, and pixels here.
    region = np.random.default_rng(1).normal(size=(7, 7, 16)).astype(np.float32)
    theirs = (
        tensors["roi_heads.box_head.fc6.weight"] @ region.transpose(2, 0, 1).ravel()
    )
    theirs += tensors["roi_heads.box_head.fc6.bias"]
    found = model.box_head.first(region[None])[0, 0, 0]
    np.testing.assert_allclose(found, theirs, rtol=1e-3, atol=1e-3)
    count = sum(len(weight.sources) for weight in torchvision_table(model))
    assert count == len(model.weights) - 1  # but the steps


def test_the_names_are_those_of_torchvision():
    """Its state_dict has 307 entries without numbers of batches."""
    config = dc.replace(NARROW, blocks=(3, 4, 6, 3), mask_units=(16,) * 4)
    names = [name for x in torchvision_table(MaskRCNN(config)) for name in x.sources]
    assert len(names) == len(set(names)) == 307
    assert "backbone.body.layer4.2.bn3.running_mean" in names
    assert "backbone.body.layer1.0.downsample.0.weight" in names
    assert "roi_heads.mask_predictor.conv5_mask.weight" in names


def test_parts_can_be_skipped(tmp_path):
    theirs = MaskRCNN(NARROW)
    path = tmp_path / "a.pth"
    weight_files.write_torch(path, arrays_for(torchvision_table(theirs)))
    config = dc.replace(NARROW, mean=(1.0,) * 6, deviation=(2.0,) * 6, num_classes=7)
    model = MaskRCNN(config)
    before = model.get_weights()
    with pytest.raises(ScanError, match=r"of another shape: backbone.body.conv1"):
        load_mask_rcnn(model, path)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    load_mask_rcnn(model, path, skipped=("stem", "classes"))
    load_mask_rcnn(theirs, path)
    np.testing.assert_array_equal(
        model.box_head.second.kernel, theirs.box_head.second.kernel
    )
    np.testing.assert_array_equal(model.backbone.stem.scale, theirs.backbone.stem.scale)
    with pytest.raises(
        ValueError, match=r"skipped must be some of \['classes', 'stem'\]"
    ):
        load_mask_rcnn(model, path, skipped=("head",))


@pytest.mark.parametrize("layout", ["torchvision", "matterport"])
def test_what_does_not_fit_is_listed(layout, tmp_path):
    if layout == "torchvision":
        model, table = MaskRCNN(NARROW), torchvision_table
        first, last = "backbone.body.conv1.weight", "rpn.head.bbox_pred.bias"
    else:
        model, table = MaskRCNN(MATTERPORT), matterport_table
        first, last = "conv1/kernel", "rpn_bbox_pred/bias"
    arrays = arrays_for(table(model))
    arrays[first] = arrays[first][:1]
    del arrays[last]
    arrays["more/of_it"] = np.zeros(2, np.float32)
    if layout == "torchvision":
        path = weight_files.write_torch(tmp_path / "a.pth", arrays)
    else:
        path = weight_files.write_keras2(tmp_path / "a.h5", arrays)
    before = model.get_weights()
    with pytest.raises(ScanError) as error:
        load_mask_rcnn(model, path)
    message = str(error.value)
    assert f"missing: {last}; of another shape: {first} [" in message
    assert message.endswith("; unknown: more/of_it") and "\n" not in message
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.fixture(scope="module")
def from_matterport(tmp_path_factory):
    """A network and the arrays of its file, which is of a deeper ResNet."""
    model = MaskRCNN(MATTERPORT)
    deeper = MaskRCNN(dc.replace(MATTERPORT, blocks=(1, 1, 3, 1)))
    arrays = arrays_for(matterport_table(deeper))
    assert {"res4c_branch2a/kernel", "bn4c_branch2c/gamma"} <= set(arrays)
    path = tmp_path_factory.mktemp("weights") / "mask_rcnn_toy.h5"
    names = ("rpn_conv_shared", "rpn_class_raw", "rpn_bbox_pred")
    weight_files.write_keras2(path, arrays, **dict.fromkeys(names, "rpn_model"))
    load_mask_rcnn(model, path)
    return model, arrays


def normed(x, arrays, name):
    gamma, beta, mean, variance = (
        arrays[f"{name}/{part}"]
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def test_matterports_norms_and_biases(from_matterport):
    model, arrays = from_matterport
    rng = np.random.default_rng(2)
    image = rng.normal(size=(1, 12, 14, 3)).astype(np.float32)
    padded = np.pad(image, [(0, 0), (3, 3), (3, 3), (0, 0)])
    product = tf.nn.conv2d(padded, arrays["conv1/kernel"], 2, "VALID")
    expected = normed(product + arrays["conv1/bias"], arrays, "bn_conv1")
    np.testing.assert_allclose(
        model.backbone.stem(image), expected, rtol=1e-3, atol=1e-4
    )
    region = rng.normal(size=(1, 7, 7, 16)).astype(np.float32)
    product = tf.nn.conv2d(region, arrays["mrcnn_class_conv1/kernel"], 1, "VALID")
    product += arrays["mrcnn_class_conv1/bias"]
    expected = normed(product, arrays, "mrcnn_class_bn1")
    np.testing.assert_allclose(
        model.box_head.first(region), expected, rtol=1e-3, atol=1e-3
    )
    same = tf.nn.conv2d(region, arrays["mrcnn_mask_conv1/kernel"], 1, "SAME")
    expected = normed(same + arrays["mrcnn_mask_conv1/bias"], arrays, "mrcnn_mask_bn1")
    first = model.mask_head.convolutions[0]
    np.testing.assert_allclose(first(region), expected, rtol=1e-3, atol=1e-3)


def test_matterports_anchors_and_classes(from_matterport):
    model, arrays = from_matterport
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(1, 2, 2, 512)).astype(np.float32)
    network = model.proposal_network

    def theirs(name):
        return (hidden @ arrays[f"{name}/kernel"][0, 0] + arrays[f"{name}/bias"])[0]

    pairs = theirs("rpn_class_raw").reshape(2, 2, 3, 2)
    expected = tf.nn.softmax(pairs)[..., 1]
    found = tf.sigmoid(network.object_output(hidden))[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    y, x, high, wide = np.moveaxis(theirs("rpn_bbox_pred").reshape(2, 2, 3, 4), -1, 0)
    expected = np.stack([0.1 * x, 0.1 * y, 0.2 * wide, 0.2 * high], -1)
    found = network.box_output(hidden)[0].numpy().reshape(2, 2, 3, 4)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    row = rng.normal(size=(1, 1, 1, 32)).astype(np.float32)
    logits = row[0, 0] @ arrays["mrcnn_class_logits/kernel"]
    logits += arrays["mrcnn_class_logits/bias"]
    found = model.box_head.class_output(row)[0, 0]
    np.testing.assert_allclose(found, logits, atol=1e-4)
    deltas = row[0, 0] @ arrays["mrcnn_bbox_fc/kernel"] + arrays["mrcnn_bbox_fc/bias"]
    found = model.box_head.box_output(row).numpy().reshape(4, 4)
    np.testing.assert_allclose(found, deltas.reshape(4, 4)[:, [1, 0, 3, 2]], atol=1e-4)


def test_matterports_ratios_are_width_over_height():
    """Its generate_anchors has, for ratios 0.5, 1, 2, boxes of those shapes."""
    from gspn_tf.image.anchors import base_anchors

    anchors = base_anchors(64, MATTERPORT.anchor_ratios)
    width, height = (anchors[:, 2:] - anchors[:, :2]).T
    np.testing.assert_allclose(width / height, [0.5, 1, 2], rtol=0.05)


def test_another_hdf5_file_is_named(tmp_path):
    import h5py

    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["a"] = [1, 2]
    with pytest.raises(ScanError, match="expected the weights of a Keras 2 model"):
        load_mask_rcnn(MaskRCNN(MATTERPORT), path)
    weight_files.write_keras2(path, {"conv1/kernel": np.array([b"text"])})
    with pytest.raises(ScanError, match="conv1/kernel:0 is no array of numbers"):
        load_mask_rcnn(MaskRCNN(MATTERPORT), path)
    weight_files.write_keras2(path, {"conv1/bias": np.zeros(3)})
    with h5py.File(path, "a") as file:  # it says so, and has nothing of it
        del file["conv1/conv1/bias:0"]
        file["conv1"].create_dataset("conv1/bias:0", (10**12,), "f4", chunks=(8,))
    with pytest.raises(ScanError, match="bytes is larger than the file"):
        load_mask_rcnn(MaskRCNN(MATTERPORT), path)
    path.write_bytes(b"\x89HDF\r\n\x1a\nno more")
    with pytest.raises(ScanError, match="is not a readable HDF5 file"):
        load_mask_rcnn(MaskRCNN(MATTERPORT), path)

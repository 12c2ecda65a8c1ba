"""torchvision's random networks, through their files, give torchvision's outputs.

Needs torch and torchvision, which are no requirement of anything else here:
`pip install torch torchvision`.
"""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.preparing import fitted_size, prepare
from gspn_tf.image.roi_align import pyramid_roi_align
from gspn_tf.image.weights.alexnet import read_alexnet
from gspn_tf.image.weights.mask_rcnn import load_mask_rcnn

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytestmark = pytest.mark.long

IMAGE = np.random.default_rng(0).integers(0, 256, (120, 150, 3)).astype(np.uint8)
CLASSES, SIDES = 11, {"min_size": 192, "max_size": 400}


def near(found, expected, tolerance=1e-4):
    """Whether arrays are equal but for a share of the greatest value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= tolerance, error


def first(tensor):
    """A tensor [1, C, H, W] of torch as [1, H, W, C]."""
    return tensor.detach().numpy().transpose(0, 2, 3, 1)


@pytest.mark.parametrize("zipped", [True, False])
def test_alexnet(zipped, tmp_path):
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(weights=None).eval()
    path = tmp_path / "alexnet.pth"
    torch.save(theirs.state_dict(), path, _use_new_zipfile_serialization=zipped)
    model = read_alexnet(path)
    x = (IMAGE[None] - np.float32(model.config.mean)) / np.float32(
        model.config.deviation
    )
    x = torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float32)
    for layer in theirs.features[:12]:
        x = layer(x)
    near(model(IMAGE[None]), first(x))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """torchvision's network and that of its file."""
    torch.manual_seed(0)
    theirs = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=CLASSES,
        **SIDES,
    ).eval()
    randomize(theirs)
    path = tmp_path_factory.mktemp("weights") / "maskrcnn.pth"
    torch.save(theirs.state_dict(), path)
    config = MaskRCNNConfig(num_classes=CLASSES, min_side=192, max_side=400)
    model = MaskRCNN(config)
    load_mask_rcnn(model, path)
    return theirs, model


def randomize(theirs):
    """Norms that do something, and outputs that find something."""
    with torch.no_grad():
        for name, value in theirs.state_dict().items():
            if "running_mean" in name or (".bn" in name and name.endswith("bias")):
                value.normal_(0, 0.1)
            elif "running_var" in name or ".bn" in name and name.endswith("weight"):
                value.uniform_(0.5, 1.0)
        heads = theirs.roi_heads
        theirs.rpn.head.cls_logits.weight.mul_(20)
        theirs.rpn.head.bbox_pred.weight.mul_(20)
        heads.box_predictor.cls_score.weight.mul_(20)
        heads.box_predictor.bbox_pred.weight.mul_(5)


@pytest.fixture(scope="module")
def seen(pair):
    """What both networks make of the image, stage by stage."""
    theirs, model = pair
    image = torch.tensor(IMAGE.transpose(2, 0, 1), dtype=torch.float32) / 255
    with torch.no_grad():
        images, _ = theirs.transform([image])
        body = theirs.backbone.body(images.tensors)
        levels = theirs.backbone.fpn(body)
        logits, deltas = theirs.rpn.head(list(levels.values()))
    return image, images, body, levels, logits, deltas


def test_images_are_prepared_alike(pair, seen):
    _, images, *_ = seen
    found = prepare(IMAGE[None], pair[1].config)
    near(found.images, first(images.tensors))
    assert tuple(found.size.numpy()) == images.image_sizes[0] == (192, 240)


@pytest.mark.parametrize("size", [(480, 640), (427, 640), (333, 1000), (799, 801)])
def test_sizes_are_alike(size):
    from torchvision.models.detection.transform import GeneralizedRCNNTransform

    transform = GeneralizedRCNNTransform(800, 1333, [0.0] * 3, [1.0] * 3)
    images, _ = transform([torch.zeros(3, *size)])
    found = fitted_size(tf.constant(size), 800, 1333)
    assert tuple(found.numpy()) == tuple(images.image_sizes[0])


def test_layers(pair, seen):
    _, model = pair
    _, images, body, levels, logits, deltas = seen
    inputs = first(images.tensors)
    features = model.backbone(inputs)
    for found, expected in zip(features, body.values(), strict=True):
        near(found, first(expected))
    found_levels = model.pyramid([first(x) for x in body.values()])
    for found, expected in zip(found_levels, levels.values(), strict=True):
        near(found, first(expected))
    size = tf.constant(inputs.shape[1:3])
    anchors = model.proposal_network([first(x) for x in levels.values()], size)
    near(anchors.logits[0], np.concatenate([first(x).ravel() for x in logits]))
    rows = [first(x).reshape(-1, 4) for x in deltas]
    near(anchors.deltas[0], np.concatenate(rows))
    expected = pair[0].rpn.anchor_generator(images, list(levels.values()))
    np.testing.assert_array_equal(anchors.anchors, expected[0].numpy())


def test_heads(pair, seen):
    theirs, model = pair
    _, images, _, levels, *_ = seen
    rng = np.random.default_rng(1)
    corners = rng.uniform(-5, 245, (40, 2, 2)) * [1, 0.8]
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1).astype(np.float32)
    boxes[0] = [3, 4, 3.2, 4.1]  # less than a pixel
    heads, sizes = theirs.roi_heads, images.image_sizes
    with torch.no_grad():
        pooled = heads.box_roi_pool(levels, [torch.tensor(boxes)], sizes)
        logits, deltas = heads.box_predictor(heads.box_head(pooled))
        for_masks = heads.mask_roi_pool(levels, [torch.tensor(boxes)], sizes)
        masks = heads.mask_predictor(heads.mask_head(for_masks))
    own = [first(x) for x in list(levels.values())[:4]]
    found = pyramid_roi_align(own, boxes[None], 7)
    near(found[0], first(pooled))
    own_masks = pyramid_roi_align(own, boxes[None], 14)
    near(own_masks[0], first(for_masks))
    own_logits, own_deltas = model.box_head(found)
    near(own_logits[0], logits)
    near(own_deltas[0].numpy().reshape(40, -1), deltas)
    near(model.mask_head(own_masks)[0], first(masks))


def test_instances(pair, seen):
    theirs, model = pair
    with torch.no_grad():
        (expected,) = theirs([seen[0]])
    found = model.detect({"images": IMAGE[None]})
    count = int(tf.reduce_sum(tf.cast(found.detections.valid, tf.int32)))
    assert count == len(expected["boxes"]) > 20
    boxes, classes, scores, masks, _ = (x[0][:count] for x in found.detections)
    np.testing.assert_array_equal(classes, expected["labels"])
    near(scores, expected["scores"], 1e-3)
    near(boxes, expected["boxes"], 1e-3)
    differ = masks.numpy() != (expected["masks"][:, 0] > 0.5).numpy()
    assert differ.mean() < 1e-3 and masks.numpy().any()


def test_losses_are_of_the_same_size(pair, seen):
    """Draws differ, and masks' targets by their samples; all else does not."""
    theirs, _ = pair
    boxes = np.array([[20, 15, 90, 100], [60, 30, 140, 80]], np.float32)
    masks = np.zeros((2, *IMAGE.shape[:2]), bool)
    masks[0, 15:100, 20:90] = masks[1, 30:80, 60:140] = True
    masks[0, 40:60] = False
    labels = np.array([3, 7])
    target = {"boxes": boxes, "masks": masks.astype(np.uint8), "labels": labels}
    target = {name: torch.tensor(value) for name, value in target.items()}
    model = MaskRCNN(pair[1].config)
    model.set_weights(pair[1].get_weights())
    truth = {"boxes": boxes, "masks": masks, "classes": np.int32(labels)}
    truth["valid"] = np.ones(2, bool)
    batch = {"images": IMAGE, "targets": truth}
    batch = tf.nest.map_structure(lambda x: tf.constant(x)[None], batch)
    theirs.train()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    found, expected = [], []
    with torch.no_grad():
        for _ in range(6):
            terms = model.loss_terms(model.learn(batch, True), batch)
            found.append([float(terms[name]) for name in model.terms])
            losses = theirs([seen[0]], [dict(target)])
            names = "objectness", "rpn_box_reg", "classifier", "box_reg", "mask"
            expected.append([float(losses[f"loss_{name}"]) for name in names])
    theirs.eval()
    found, expected = np.array(found), np.array(expected)
    spread = 3 * (found.std(0) + expected.std(0)) / np.sqrt(6)
    error = np.abs(found.mean(0) - expected.mean(0))
    assert (error <= spread + 0.03 * expected.mean(0)).all(), (found, expected)

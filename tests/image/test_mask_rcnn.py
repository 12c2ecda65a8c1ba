"""What a Keras user does with Mask R-CNN, and that it learns."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import tensorflow as tf
from learning import terms_and_gradients
from toy_images import NARROW, shapes

from gspn_tf.image.instances import ImageDetections
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.preparing import fitted_size, prepare

SIX = dc.replace(NARROW, mean=(110.0,) * 6, deviation=(60.0,) * 6, min_score=0.0)


@pytest.fixture(scope="module")
def batch():
    """One image of six channels. Not to be changed in place."""
    return shapes(channels=6)


def instances(model, batch) -> ImageDetections:
    return model.detect({"images": batch["images"]}).detections


def assert_same(found, expected, tolerance=0.0):
    for name in expected._fields:
        a, b = (np.asarray(getattr(x, name), np.float32) for x in (found, expected))
        np.testing.assert_allclose(a, b, atol=tolerance, err_msg=name)


def test_fit_evaluate_predict_and_save(batch, tmp_path):
    model = MaskRCNN(SIX)
    batches = tf.data.Dataset.from_tensors(batch).repeat(2)
    model.compile("adam")
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False).history
    assert set(history) == {"loss", *model.terms} and int(model.steps) == 4
    assert history["loss"][1] < history["loss"][0]
    logs = model.evaluate(batches, verbose=0, return_dict=True)
    assert set(logs) == set(history)
    found = model.predict(batches, verbose=0)
    assert isinstance(found, ImageDetections)
    assert found.masks.shape == (2, 8, 96, 128) and found.masks.dtype == bool
    assert found.valid.any() and (found.classes[found.valid] > 0).all()
    assert (np.diff(found.scores) <= 0).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.config == SIX and int(again.optimizer.iterations) == 4
    assert_same(instances(again, batch), instances(model, batch))


def test_every_weight_learns_but_the_norms(batch):
    keras.utils.set_random_seed(1)
    model = MaskRCNN(SIX)
    # Else a shape is of one level, and boxes of the others are in no loss.
    model.config = dc.replace(SIX, region_iou=0.1, anchor_positive_iou=0.1)
    model.proposal_network.config = model.config
    terms, gradients = terms_and_gradients(model, batch)
    assert set(terms) == set(model.terms)
    assert all(np.isfinite(value) and value > 0 for value in terms.values())
    dead = [
        path
        for path, gradient in gradients.items()
        if gradient is None or not np.abs(gradient.numpy()).max() > 0
    ]
    assert len(gradients) > 40 and not dead
    frozen = {weight.name for weight in model.non_trainable_weights}
    assert {"scale", "offset", "mean", "variance"} < frozen


def test_a_stage_can_be_frozen():
    model = MaskRCNN(SIX)
    network = model.backbone
    still = {
        weight.path for x in (network.stem, network.stages[0]) for weight in x.weights
    }
    before = {weight.path for weight in model.trainable_weights}
    network.stem.trainable = network.stages[0].trainable = False
    after = {weight.path for weight in model.trainable_weights}
    assert before - after == before & still and len(before & still) == 5


def test_an_image_without_objects_has_a_loss(batch):
    targets = batch["targets"] | {"valid": tf.zeros_like(batch["targets"]["valid"])}
    terms, gradients = terms_and_gradients(MaskRCNN(SIX), batch | {"targets": targets})
    assert float(terms["box"]) == float(terms["mask"]) == float(terms["proposal"]) == 0
    assert terms["class"] > 0 and terms["objectness"] > 0
    assert all(np.isfinite(x).all() for x in gradients.values() if x is not None)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_near(policy, batch):
    exact, half = MaskRCNN(SIX), MaskRCNN(SIX, dtype=policy)
    half.set_weights(exact.get_weights())
    assert {weight.dtype for weight in half.trainable_weights} == {"float32"}
    expected, _ = terms_and_gradients(exact, batch)
    found, gradients = terms_and_gradients(half, batch)
    for name, value in expected.items():
        assert found[name].dtype == tf.float32
        np.testing.assert_allclose(
            found[name], value, rtol=0.1, atol=0.02, err_msg=name
        )
    assert all(np.isfinite(x).all() for x in gradients.values() if x is not None)
    seen = prepare(batch["images"], SIX)
    a, b = (model.describe(seen)[1].logits for model in (exact, half))
    assert b.dtype == tf.float32
    assert 0 < np.abs(a - b).max() < 0.05 * np.abs(a).max()


def test_a_saved_model_has_the_same_instances(batch, tmp_path):
    model = MaskRCNN(SIX)
    path = model.export(tmp_path / "served")
    assert path == tmp_path / "served" / "1"
    serve = tf.saved_model.load(path).signatures["serving_default"]
    images = tf.cast(batch["images"], tf.float32)
    for part in (images, images[:, :50, :70]):  # of any size
        found = serve(images=part)
        assert found["masks"].dtype == tf.uint8
        expected = instances(model, {"images": part})
        assert_same(ImageDetections(**found), expected, 1e-3)
    with pytest.raises(FileExistsError, match="give another version"):
        model.export(tmp_path / "served")


def test_a_preset_is_whole_and_says_what_it_sees(batch, tmp_path):
    model = MaskRCNN(SIX)
    classes = [(1, "box"), (2, "disc"), (3, "triangle")]
    model.save_to_preset(tmp_path / "shapes", classes)
    again = MaskRCNN.from_preset(tmp_path / "shapes")
    assert again.classes == tuple(classes) and again.config == SIX
    assert_same(instances(again, batch), instances(model, batch))
    card = (tmp_path / "shapes" / "README.md").read_text()
    assert "instances of objects in an image" in card and "gspn_tf.MaskRCNN" in card


def test_images_are_resized_and_boxes_are_of_the_image(batch):
    model = MaskRCNN(dc.replace(SIX, min_side=192, max_side=200, region_iou=0.99))
    seen = prepare(batch["images"], model.config)
    assert seen.images.shape == (1, 160, 224, 6)  # 150 x 200, then multiples of 32
    np.testing.assert_array_equal(seen.size, [150, 200])
    assert not np.any(seen.images[:, 150:]) and not np.any(seen.images[:, :, 200:])
    found = instances(model, batch)
    assert found.masks.shape[2:] == (96, 128)
    boxes = found.boxes.numpy()
    assert boxes[..., ::2].max() <= 128 and boxes[..., 1::2].max() <= 96
    # The objects' own boxes are regions, in the pixels of the resized image.
    regions = model.learn(batch, True).targets.boxes[0, :4].numpy()
    expected = batch["targets"]["boxes"][0].numpy() * (200 / 128)
    expected[:, 1::2] = batch["targets"]["boxes"][0][:, 1::2] * (150 / 96)
    for box in expected:
        assert np.abs(regions - box).max(1).min() < 1e-3
    np.testing.assert_array_equal(
        fitted_size(tf.constant([480, 640]), 800, 1333), [800, 1066]
    )


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"targets": None}, ValueError, r'need dicts with "images" and "targets"'),
        (
            {"classes": 4},
            tf.errors.InvalidArgumentError,
            "num_classes of the network is 4",
        ),
    ],
)
def test_batches_that_do_not_fit_are_errors(change, error, message, batch):
    bad = dict(batch)
    if "classes" in change:
        classes = tf.fill(tf.shape(batch["targets"]["classes"]), change["classes"])
        bad["targets"] = batch["targets"] | {"classes": classes}
    else:
        del bad["targets"]
    with pytest.raises(error, match=message):
        MaskRCNN(SIX).labelled(bad)


def test_a_config_of_other_channels_is_an_error():
    with pytest.raises(ValueError, match="a number of each channel, got 6 and 3"):
        MaskRCNN(dc.replace(NARROW, mean=(1.0,) * 6))


def mask_ap50(found, targets) -> float:
    """Average precision at an IoU of 0.5 of one image's masks, over the classes."""
    figures = []
    for kind in np.unique(targets["classes"]):
        truth = targets["masks"][0][targets["classes"][0] == kind].numpy()
        of_kind = (found.classes[0] == kind) & found.valid[0]
        masks, scores = found.masks[0][of_kind], found.scores[0][of_kind]
        free, hits = list(range(len(truth))), []
        for row in np.argsort(-scores.numpy(), kind="stable"):
            iou = [
                (truth[i] & masks[row]).sum() / (truth[i] | masks[row]).sum()
                for i in free
            ]
            hit = bool(iou) and max(iou) > 0.5
            hits.append(hit)
            if hit:
                free.pop(int(np.argmax(iou)))
        found_so_far = np.cumsum(hits)
        precision = found_so_far / np.arange(1, len(hits) + 1)
        figures.append(sum(precision[hits]) / len(truth))
    return float(np.mean(figures))


@pytest.mark.slow
def test_it_learns_one_image_whole():
    keras.utils.set_random_seed(0)
    batch, steps = shapes(), 400
    config = dc.replace(NARROW, mean=(110.0,) * 3, deviation=(60.0,) * 3, head_units=64)
    model = MaskRCNN(config)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=0.02, warmup_target=2e-3, warmup_steps=steps // 10
    )
    model.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    batches = tf.data.Dataset.from_tensors(batch).repeat(steps // 4)
    history = model.fit(batches, epochs=4, verbose=0, shuffle=False).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    found = instances(model, batch)
    found = found._replace(masks=found.masks.numpy())
    assert mask_ap50(found, batch["targets"]) == 1.0

"""The region proposal network: which anchors hold an object, and where exactly."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image import boxes as box_lib
from gspn_tf.image.anchors import grid_anchors
from gspn_tf.image.convolution import Convolution
from gspn_tf.image.suppression import suppress
from gspn_tf.nn.mlp import FloatLayer
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals

DEVIATION = (1.0, 1.0)  # of the deltas of anchors; torchvision
_INITIAL_DEVIATION = 0.01  # of the first kernels
_LEAST_SIDE = 1e-3  # pixels of a proposal


class AnchorScores(NamedTuple):
    """Scores and deltas of the A anchors of all levels of an image."""

    anchors: tf.Tensor  # [A, 4]  pixels
    logits: tf.Tensor  # [B, A]  that there is an object
    deltas: tf.Tensor  # [B, A, 4]
    counts: list[tf.Tensor]  # [levels] of scalars, the anchors of each level


class ProposalNetwork(FloatLayer):
    """One small network on every level of the pyramid (Ren et al., NeurIPS 2015).

    Inputs: levels [B, h, w, C], size [2] of the image. Output: AnchorScores.
    """

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        units, count = config.proposal_units, len(config.anchor_ratios)
        first = _INITIAL_DEVIATION
        self.config = config
        self.convolve = Convolution(units, 3, config.pyramid_units, deviation=first)
        self.object_output = Convolution(count, 1, units, deviation=first)
        self.box_output = Convolution(4 * count, 1, units, deviation=first)

    def call(self, levels: list[tf.Tensor], size: tf.Tensor) -> AnchorScores:
        hidden = [tf.nn.relu(self.convolve(level)) for level in levels]
        batch = tf.shape(levels[0])[0]

        def flat(x: tf.Tensor, width: int) -> tf.Tensor:
            return tf.reshape(x, [batch, -1, width])  # [B, h * w * A, width]

        logits = [flat(self.object_output(x), 1)[..., 0] for x in hidden]
        deltas = [flat(self.box_output(x), 4) for x in hidden]
        return AnchorScores(
            anchors=tf.concat(grid_anchors(levels, size, self.config), 0),
            logits=tf.concat(logits, 1),
            deltas=tf.concat(deltas, 1),
            counts=[tf.shape(x)[1] for x in logits],
        )

    def propose(
        self, found: AnchorScores, size: tf.Tensor, training: bool
    ) -> Proposals:
        """The best boxes of each level, of which none repeats a better one.

        Args:
            found: Of the anchors.
            size: [2] int32, height and width that boxes are clipped to.
            training: Which of the config's numbers hold.
        """
        c = self.config
        candidates = c.max_candidates if training else c.max_candidates_inference
        outputs = c.max_proposals if training else c.max_proposals_inference
        rows, levels, start = [], [], tf.constant(0)
        for i, logits in enumerate(tf.split(found.logits, found.counts, axis=1)):
            count = tf.minimum(candidates, found.counts[i])
            rows.append(tf.math.top_k(logits, count).indices + start)
            levels.append(tf.fill(tf.shape(rows[-1]), i))
            start += found.counts[i]
        best = tf.concat(rows, 1)
        anchors = tf.gather(found.anchors, best)
        boxes = box_lib.apply_deltas(anchors, take(found.deltas, best), DEVIATION)
        boxes = tf.stop_gradient(box_lib.clip(boxes, size))
        scores = tf.stop_gradient(take(found.logits, best))
        large = tf.reduce_all(box_lib.sizes(boxes) >= _LEAST_SIDE, -1)
        kept, valid = suppress(
            boxes,
            tf.where(large, tf.sigmoid(scores), -1.0),
            tf.concat(levels, 1),
            iou_threshold=c.proposal_iou,
            min_score=-0.5,  # all of them that are large enough
            max_outputs=outputs,
        )
        return Proposals(take(boxes, kept), take(scores, kept), valid)

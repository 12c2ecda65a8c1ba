r"""What the paper leaves out or replaces in its ablation study (section 4.4).

    gspn train --config=configs/rooms.py:small+box_regression --data DIR --run RUN

One line an ablation: fields of the config and their values, or what becomes of the
value that is there. Several are chained: `small+one_context+no_center`.
"""


def last(values: tuple) -> tuple:
    """Return the last alone: the largest context, as they go from small to large."""
    return values[-1:]


PROPOSAL = "model.proposal"
ABLATIONS = {
    # Table 4: other proposal networks.
    "box_regression": {f"{PROPOSAL}.proposer": "boxes"},
    "binary_segmentation": {f"{PROPOSAL}.proposer": "segments"},
    # Table 5: other generative designs.
    "encoder_decoder": {f"{PROPOSAL}.generator": "encoder_decoder"},
    "one_context": dict.fromkeys(
        (f"{PROPOSAL}.context_radii", f"{PROPOSAL}.context_neighbors"), last
    ),
    "no_center": {f"{PROPOSAL}.center_network": "none"},
    # Table 6: other feature backbones.
    "no_context_features": {"model.region_features": "semantic"},
    "no_semantic_features": {"model.region_features": "context"},
    "no_pretraining": {"model.semantic_training": "end_to_end"},
}

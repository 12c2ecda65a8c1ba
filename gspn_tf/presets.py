"""Networks that several files of `configs/` share."""

from gspn_tf import config as c


def small_gspn() -> c.GSPNConfig:
    """The paper's network with fewer seeds, neighbours and channels: two cores."""
    return c.GSPNConfig(
        num_seeds=128,
        num_seeds_inference=256,
        backbone=c.BackboneConfig(
            num_centers=(1024, 256, 64, 16),
            num_neighbors=16,
            abstraction_units=(
                (16, 16, 32),
                (32, 32, 64),
                (64, 64, 128),
                (128, 128, 256),
            ),
            propagation_units=((128, 128), (128, 128), (128, 64), (64, 64, 64)),
        ),
        context_neighbors=(32, 32, 64),
        context_units=(32, 64, 128),
        latent_size=64,
        prior_units=(128, 256),
        shape_units=(32, 64, 128),
        shape_feature_units=64,
        generator_context_units=64,
        grid_units=(128, 64, 32),
        dense_units=(128, 128),
        num_dense_points=256,
        objectness_units=(128, 64),
        kl_warmup_steps=1_000,
    )


def small_rpointnet() -> c.RPointNetConfig:
    """The same of the second stage."""
    return c.RPointNetConfig(
        proposal=small_gspn(),
        max_candidates=96,
        max_proposals=64,
        max_candidates_inference=192,
        max_proposals_inference=96,
        num_regions=32,
        num_region_points=128,
        num_region_points_inference=256,
        region_units=(64, 128, 256),
        head_units=(128, 128),
        mask_local_units=(32, 32),
        mask_global_units=(32, 64, 128),
        mask_units=(64, 64),
    )

"""Parametric furniture: reproducible, of real sizes, of its classes' shapes."""

import pickle

import numpy as np
import pytest

from gspn_tf.data.classes import SCANNET
from gspn_tf.synthetic.homes.furniture import families, patterns, textures
from gspn_tf.synthetic.homes.furniture.families import (
    FAMILIES,
    FAMILY_CLASSES,
    family_models,
)

COUNT = 10
# Width, depth and height, metres: the least and the most of each.
SIZES = {
    "cabinet": ((0.3, 3.4), (0.28, 0.75), (0.4, 2.45)),
    "bed": ((0.9, 2.0), (1.9, 2.4), (0.4, 1.3)),
    "chair": ((0.35, 1.15), (0.38, 1.0), (0.7, 1.35)),
    "sofa": ((1.2, 2.8), (0.75, 1.8), (0.65, 1.05)),
    "table": ((0.35, 2.1), (0.35, 1.1), (0.3, 0.8)),
    "door": ((0.8, 2.1), (0.07, 1.2), (2.0, 2.25)),
    "window": ((0.6, 2.4), (0.09, 0.35), (0.8, 2.3)),
    "bookshelf": ((0.45, 1.6), (0.2, 0.4), (0.75, 2.15)),
    "picture": ((0.15, 1.15), (0.015, 0.045), (0.15, 1.15)),
    "counter": ((1.1, 3.1), (0.5, 2.7), (0.05, 1.3)),
    "desk": ((0.95, 1.85), (0.5, 1.75), (0.7, 1.15)),
    "curtain": ((0.8, 2.9), (0.04, 0.3), (0.9, 2.5)),
    "refrigerator": ((0.44, 0.95), (0.5, 0.8), (0.8, 1.9)),
    "shower curtain": ((0.75, 1.9), (0.04, 0.2), (1.5, 2.1)),
    "toilet": ((0.33, 0.5), (0.5, 0.8), (0.25, 1.0)),
    "sink": ((0.3, 0.7), (0.28, 0.6), (0.2, 1.1)),
    "bathtub": ((1.35, 1.95), (0.65, 0.9), (0.45, 0.8)),
    "otherfurniture": ((0.2, 2.3), (0.17, 1.1), (0.25, 2.35)),
}


@pytest.fixture(scope="module")
def models():
    return family_models(3, COUNT)


def kind_of(models, kind):
    return [model for model in models if model.kind == kind]


def same_bytes(first, second):
    arrays = ("points", "faces", "uv", "material")
    looks = zip(first.materials, second.materials, strict=True)
    return all(
        getattr(first, name).tobytes() == getattr(second, name).tobytes()
        for name in arrays
    ) and all(
        a.color == b.color
        and (a.alpha, a.gloss) == (b.alpha, b.gloss)
        # None has no bytes of its own.
        and np.array_equal(a.image, b.image)
        for a, b in looks
    )


def heights_below(mesh, x, y):
    """Heights where an upright line meets the mesh, from the highest."""
    a, b, c = np.moveaxis(mesh.points[mesh.faces].astype(float), 1, 0)
    u, v, place = b - a, c - a, np.array([x, y]) - a[:, :2]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        s = (place[:, 0] * v[:, 1] - place[:, 1] * v[:, 0]) / area
        t = (u[:, 0] * place[:, 1] - u[:, 1] * place[:, 0]) / area
        hit = (s >= 0) & (t >= 0) & (s + t <= 1) & (np.abs(area) > 1e-9)
        z = a[:, 2] + s * u[:, 2] + t * v[:, 2]
    return np.sort(z[hit])[::-1]


def test_every_class_has_a_family_of_different_shapes(models):
    assert FAMILY_CLASSES == SCANNET.names
    assert set(SIZES) == set(SCANNET.names)
    for kind, family in FAMILIES.items():
        of_kind = kind_of(models, kind)
        assert [m.name for m in of_kind] == [f"family#{kind}-{i}" for i in range(COUNT)]
        assert all(model.role == family.role for model in of_kind)
        assert (family.role == "object") == (kind in SCANNET.names)
        sizes = {tuple(np.round(model.size, 2)) for model in of_kind}
        assert len(sizes) >= 6, kind


@pytest.mark.parametrize("kind", SIZES)
def test_sizes_are_those_of_real_furniture(models, kind):
    for model in kind_of(models, kind):
        for length, (least, most) in zip(model.size, SIZES[kind], strict=True):
            assert least <= length <= most, (model.name, model.size)
        assert model.elevation + model.size[2] < 2.6


def test_things_that_hang_are_off_the_floor(models):
    least = {"picture": 0.8, "shower curtain": 0.05, "mirror": 0.5}
    for kind, height in least.items():
        assert all(model.elevation > height for model in kind_of(models, kind))
    for kind in ("bed", "chair", "sofa", "table", "bathtub", "door", "bookshelf"):
        assert all(model.elevation == 0 for model in kind_of(models, kind))
    for kind in ("cabinet", "curtain", "window"):
        more = family_models(3, 30, [kind])
        assert max(model.elevation for model in more) > 0.5
    rods = [m.elevation + m.size[2] for m in kind_of(models, "shower curtain")]
    assert min(rods) > 1.88 and max(rods) < 2.15


def test_meshes_are_sound_and_of_the_size_that_models_state(models):
    for model in models:
        mesh = model.mesh
        low, high = mesh.points.min(axis=0), mesh.points.max(axis=0)
        np.testing.assert_allclose(mesh.size, model.size, atol=1e-4)
        np.testing.assert_allclose([*(low + high)[:2], low[2]], 0, atol=1e-4)
        assert np.isfinite(mesh.points).all() and np.isfinite(mesh.uv).all()
        assert min(model.size) > 0.003, model.name
        assert 0 <= mesh.faces.min() and mesh.faces.max() < len(mesh.points)
        assert mesh.uv.shape == (len(mesh.faces), 3, 2)
        assert mesh.material.shape == (len(mesh.faces),)
        assert set(mesh.material.tolist()) == set(range(len(mesh.materials)))
        assert 8 <= len(mesh.faces) <= 3_000 or model.kind == "papers", model.name


def test_a_model_depends_on_its_seed_kind_and_number_alone(models):
    for kind in ("chair", "bookshelf", "curtain", "papers"):
        again = family_models(3, 2, [kind])[1]
        assert (again.name, again.size) == (f"family#{kind}-1", again.size)
        assert same_bytes(again.mesh, kind_of(models, kind)[1].mesh)
        other = family_models(4, 2, [kind])[1]
        assert not same_bytes(other.mesh, again.mesh)


def test_models_can_be_sent_to_other_processes():
    for model in family_models(5, 1):
        sent = pickle.loads(pickle.dumps(model))
        assert "mesh" not in vars(sent)
        assert same_bytes(sent.mesh, model.mesh)


def test_unknown_kinds_and_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="no family of spaceship"):
        family_models(0, 1, ["chair", "spaceship"])
    with pytest.raises(ValueError, match="must not be negative"):
        family_models(-1)


def test_bathtubs_basins_and_bins_are_hollow(models):
    for model in kind_of(models, "bathtub"):
        inside = heights_below(model.mesh, 0.011, 0.007)
        assert 0.08 < inside[0] < 0.25, model.name
        rim = 0.4 < heights_below(model.mesh, 0.011, model.size[1] / 2 - 0.03)[0]
        assert rim, model.name
    for model in kind_of(models, "bin"):
        assert heights_below(model.mesh, 0.011, 0.007)[0] < 0.03


@pytest.mark.parametrize("kind", ["curtain", "shower curtain"])
def test_curtains_are_folded(models, kind):
    for model in kind_of(models, kind):
        points = model.mesh.points
        level = np.abs(points[:, 2] - 0.5 * model.size[2]) < 0.1
        across = points[level][np.argsort(points[level][:, 0], kind="stable")]
        y = across[:, 1] - across[:, 1].mean()
        assert np.ptp(y) > 0.03, model.name
        sides = np.sign(y[np.abs(y) > 0.25 * np.abs(y).max()])
        assert np.count_nonzero(np.diff(sides)) >= 3, model.name


def test_panes_can_be_seen_through_and_pictures_show_an_image_once(models):
    for model in kind_of(models, "window"):
        assert min(material.alpha for material in model.mesh.materials) < 0.35
    for model in kind_of(models, "picture"):
        mesh = model.mesh
        of_image = [mesh.materials[row].image is not None for row in mesh.material]
        # A frame's wood has an image too, but repeats it over metres.
        once = np.isin(mesh.uv, np.float32([0, 0.999])).all(axis=(1, 2)) & of_image
        assert np.count_nonzero(once) == 2, model.name
        places = np.unique(mesh.uv[once].reshape(-1, 2), axis=0)
        assert len(places) == 4
        # The image's first row is the top.
        top = mesh.points[mesh.faces[once]][mesh.uv[once][..., 1] == 0][:, 2]
        assert top.min() > 0.5 * model.size[2]


def test_family_meshes_keep_one_row_of_each_material():
    mesh = families.build_family_mesh(0, "refrigerator", 0)
    assert len(mesh.materials) <= 4 < len(mesh.faces) // 2


MATERIALS = {
    "floor": textures.floor_material,
    "wall": textures.wall_material,
    "fabric": textures.fabric_material,
    "picture": textures.picture_material,
    "tiles": textures.tile_material,
}


@pytest.mark.parametrize("name", MATERIALS)
def test_textures_are_varied_images_that_differ_by_seed(name):
    drawn = [MATERIALS[name](np.random.default_rng(seed)) for seed in range(30)]
    again = MATERIALS[name](np.random.default_rng(7))
    assert np.array_equal(again.image, drawn[7].image)
    assert len({material.image.tobytes() for material in drawn}) == 30
    for material in drawn:
        assert material.image.dtype == np.uint8
        assert material.image.shape == (patterns.SIDE, patterns.SIDE, 3)
        assert material.image.std() > 1.5
        np.testing.assert_allclose(
            material.color, material.image.mean(axis=(0, 1)), atol=0.01
        )


@pytest.mark.parametrize("name", ["floor", "wall"])
def test_colors_are_those_of_real_rooms(name):
    images = [MATERIALS[name](np.random.default_rng(i)).image for i in range(60)]
    chroma = [np.median(np.ptp(image.astype(int), axis=2)) for image in images]
    assert 15 < np.median(chroma) < 45
    # Blocks of 4 pixels are the 3 cm between vertices.
    blocks = [image.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3, 4)) for image in images]
    corners = [block.reshape(8, 4, 8, 4).std(axis=(1, 3)) for block in blocks]
    assert 4 < np.median(corners) < 25


@pytest.mark.parametrize(
    "draw", [textures.wall_material, textures.floor_material, textures.fabric_material]
)
def test_images_repeat_without_a_seam(draw):
    seam, inside = [], []
    for seed in range(40):
        levels = draw(np.random.default_rng(seed)).image.astype(float)
        for image in (levels, levels.transpose(1, 0, 2)):
            steps = np.abs(np.diff(image, axis=0, append=image[:1])).mean(axis=(1, 2))
            seam.append(steps[-1])
            inside.append(np.sort(steps)[-8:].mean())
    assert np.mean(seam) <= np.mean(inside)

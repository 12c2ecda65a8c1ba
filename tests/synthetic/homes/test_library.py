"""Models of Sweet Home 3D's libraries, from a library made by hand."""

from pathlib import Path

import numpy as np
import pytest
from toy_furniture import ARMCHAIR, write_library

from gspn_tf.synthetic.homes.furniture import archive, library
from gspn_tf.synthetic.homes.furniture.catalogue import read_catalogue, usable


@pytest.fixture
def only_armchair(monkeypatch: pytest.MonkeyPatch) -> None:
    row = read_catalogue()[ARMCHAIR]
    monkeypatch.setattr(library, "read_catalogue", lambda: {ARMCHAIR: row})


@pytest.mark.usefixtures("only_armchair")
def test_model_stands_in_metres_with_its_materials(tmp_path: Path) -> None:
    write_library(tmp_path / "deb/usr/share")
    (model,) = library.library_models(tmp_path / "deb", tmp_path / "cache")
    assert (model.role, model.kind) == ("object", "chair")
    mesh = model.mesh
    np.testing.assert_allclose(mesh.size, [0.594, 0.627, 1.05], rtol=1e-5)
    np.testing.assert_allclose(mesh.points[:, 2].min(), 0, atol=1e-6)
    np.testing.assert_allclose(
        mesh.points[:, :2].min(axis=0), -mesh.points[:, :2].max(axis=0), atol=1e-6
    )
    by_color = {each.color: each for each in mesh.materials}
    assert set(by_color) == {(255, 0, 0), (0, 0, 255), (255, 255, 255)}
    assert by_color[0, 0, 255].alpha == pytest.approx(0.2)
    image = by_color[255, 255, 255].image
    assert image is not None and max(image.shape) <= archive.IMAGE_SIDE
    assert (image == (10, 200, 30)).all()
    cloth, glass, red = mesh.materials  # by their names
    assert (cloth.color, glass.color) == ((255, 255, 255), (0, 0, 255))
    assert np.bincount(mesh.material).tolist() == [1, 2, 4]  # polygons are fans


@pytest.mark.usefixtures("only_armchair")
def test_y_up_becomes_z_up_and_the_front_stays_in_front(tmp_path: Path) -> None:
    write_library(tmp_path)
    (model,) = library.library_models(tmp_path, tmp_path / "cache")
    cloth = model.mesh.material == 0
    corners = model.mesh.points[model.mesh.faces[cloth]]
    assert (corners[..., 1] < 0).all()  # z = 4 of the file, towards the viewer


@pytest.mark.usefixtures("only_armchair")
def test_second_opening_converts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_library(tmp_path)
    (first,) = library.library_models(tmp_path, tmp_path / "cache")
    monkeypatch.setattr(library, "read_obj", None)
    (second,) = library.library_models(tmp_path, tmp_path / "cache")
    np.testing.assert_array_equal(first.mesh.points, second.mesh.points)
    assert first.mesh.materials[1:] == second.mesh.materials[1:]


def test_missing_furniture_is_told_with_the_commands_that_get_it(
    tmp_path: Path,
) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(ValueError, match="apt-get download sweethome3d-furniture"):
            library.library_models(folder, tmp_path / "cache")


@pytest.mark.usefixtures("only_armchair")
def test_damaged_library_is_named(tmp_path: Path) -> None:
    path = write_library(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"BlendSwap-CC-0.sh3f is damaged"):
        library.library_models(tmp_path, tmp_path / "cache")


@pytest.mark.usefixtures("only_armchair")
def test_damaged_model_of_the_cache_is_named(tmp_path: Path) -> None:
    write_library(tmp_path)
    library.library_models(tmp_path, tmp_path / "cache")
    (path,) = tmp_path.glob("cache/*/*.npz")
    for data in (path.read_bytes()[:-40], b"not a model"):
        path.write_bytes(data)
        (model,) = library.library_models(tmp_path, tmp_path / "cache")
        with pytest.raises(ValueError, match=rf"{path} is damaged"):
            _ = model.mesh


def test_catalogue_uses_free_licences_alone() -> None:
    rows = [row for row in read_catalogue().values() if usable(row)]
    assert {row.licence[:5] for row in rows} == {"CC0-1", "CC-BY"}
    roles = [row.role for row in rows]
    assert roles.count("object") == 272
    assert roles.count("clutter") == 328
    assert all(min(row.size) > 0 and row.author for row in rows)

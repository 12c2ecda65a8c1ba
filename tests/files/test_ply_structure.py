"""PLY files of any structure: lists anywhere, odd numbers, headers that do not fit."""

import re

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_ply import naive_vertices
from toy_ply import FACES, ply_of_elements

from gspn_tf.files.errors import ScanError
from gspn_tf.files.ply import read_vertices

FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
XYZ = [("float", axis) for axis in "xyz"]
INTEGERS = {"char": 7, "uchar": 8, "short": 15, "ushort": 16, "int": 31, "uint": 32}


def many(count):
    health = list(HealthCheck)
    return settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=health
    )


def read(path, content):
    path.write_bytes(content)
    return read_vertices(path)


@st.composite
def elements(draw):
    """Vertices with lists of like or unlike lengths among other elements."""
    scalar = st.sampled_from([*INTEGERS, "float", "double"])
    listed = st.builds("list {} {}".format, st.sampled_from([*INTEGERS]), scalar)
    more = draw(st.lists(scalar | listed, max_size=4))
    properties = [*XYZ, *((kind, f"p{i}") for i, kind in enumerate(more))]
    properties = draw(st.permutations(properties))
    lengths = st.just(2) if draw(st.booleans()) else st.integers(0, 3)

    def value(kind):
        if kind.startswith("list"):
            return tuple(value(kind.split()[2]) for _ in range(draw(lengths)))
        bits = INTEGERS.get(kind, 3)
        return draw(st.integers(0, 2**bits - 1))

    def rows(properties, count):
        return [tuple(value(kind) for kind, _ in properties) for _ in range(count)]

    made = [("vertex", properties, rows(properties, draw(st.integers(0, 5))))]
    for i, kinds in enumerate(draw(st.lists(st.lists(listed, min_size=1), max_size=2))):
        own = [(kind, f"q{j}") for j, kind in enumerate(kinds)]
        made.append((f"other{i}", own, rows(own, draw(st.integers(0, 3)))))
    return draw(st.permutations(made))


@given(elements(), st.sampled_from(FORMATS))
@many(150)
def test_lists_are_passed_over_wherever_they_stand(tmp_path, elements, kind):
    columns = read(tmp_path / "a.ply", ply_of_elements(kind, elements))
    _, properties, rows = next(each for each in elements if each[0] == "vertex")
    for i, (scalar, name) in enumerate(properties):
        if not scalar.startswith("list"):
            assert columns[name].tolist() == [row[i] for row in rows]
            if scalar in INTEGERS:
                bits = 8 * columns[name].dtype.itemsize
                assert INTEGERS[scalar] in (bits, bits - 1)
        else:
            assert name not in columns


SPELLINGS = {
    "nan": ("nan", "NaN", "-nan", "-nan(ind)", "nan(snan)", "-NaN(IND)", "1.#QNAN",
            "-1.#IND", "1.#QNAN0", "-1.#IND000000", "1.#SNAN", "1.#R", "-1.#J"),
    "inf": ("inf", "+inf", "Infinity", "INF", "1.#INF", "1.#INF00", "+1.#inf"),
    "-inf": ("-inf", "-Infinity", "-1.#INF", "-1.#INF000"),
}  # fmt: skip


@pytest.mark.parametrize("value", SPELLINGS)
@pytest.mark.parametrize("place", range(5))
def test_numbers_that_are_none_in_every_spelling_and_column(tmp_path, value, place):
    properties = [*XYZ, ("uchar", "red"), ("float", "scalar_Label")]
    for word in SPELLINGS[value]:
        row = [1, 2, 3, 4, 5]
        row[place] = word
        content = ply_of_elements("ascii", [("vertex", properties, [row, [1] * 5])])
        column = list(read(tmp_path / "a.ply", content).values())[place]
        np.testing.assert_array_equal(column, [float(value), 1])


def test_axes_may_be_capital(tmp_path):
    properties = [("float", axis) for axis in "XYZ"]
    content = ply_of_elements("ascii", [("vertex", properties, [(1, 2, 3)])])
    assert list(read(tmp_path / "a.ply", content)) == ["x", "y", "z"]


def test_text_has_its_declared_integers(tmp_path):
    properties = [*XYZ, ("ushort", "a"), ("uchar", "b"), ("uchar", "c")]
    rows = [(0.1, 0, 512345.678, 1, 255, 0.5), (0, 0, 0, 65535, 0, 1)]
    content = ply_of_elements("ascii", [("vertex", properties, rows)])
    columns = read(tmp_path / "a.ply", content.replace(b"\n0.1", b"\n\n0.1"))
    kinds = {name: column.dtype.name for name, column in columns.items()}
    assert (kinds["a"], kinds["b"], kinds["c"]) == ("uint16", "uint8", "float64")
    assert columns["z"][0] == 512345.678


POINTS = [(i * 0.5, i / 3, -i, i) for i in range(40)]
VERTEX = ("vertex", [*XYZ, ("uchar", "red")], POINTS)
FACE = (*FACES, [((0, 1, 2),)] * 6 + [((0, 1, 2, 3),)])
CAMERA = ("camera", [("float", "fov"), ("list uint float", "pose")], [(1, (2, 3))])
ORDERS = ([VERTEX, FACE], [FACE, VERTEX], [CAMERA, VERTEX, FACE], [VERTEX])
FILES = [ply_of_elements(kind, order) for kind in FORMATS for order in ORDERS]
WORDS = [b"element", b"property", b"list", b"vertex", b"face", b"float", b"double",
         b"uchar", b"int", b"x", b"0", b"-1", b"4", b"41", b"4" * 12, b"\n",
         b"\r\n", b" ", b"comment", b"\xff\0", b"end_header\n", b"ply"]  # fmt: skip


@st.composite
def mutants(draw):
    """A whole file, and one whose header was changed in a few places."""
    whole = draw(st.sampled_from(FILES))
    end = whole.index(b"end_header\n") + len(b"end_header\n")
    header = whole[:end]
    for _ in range(draw(st.integers(1, 3))):
        lines = header.splitlines(keepends=True)
        row = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                lines[row] = lines[draw(st.integers(0, len(lines) - 1))]
            case 1:
                del lines[row]
            case 2:
                lines.insert(row, lines[draw(st.integers(0, len(lines) - 1))])
            case 3:
                words = re.split(rb"(\s+)", lines[row])
                at = draw(st.integers(0, max(0, len(words) - 3)))
                words[at] = draw(st.sampled_from(WORDS))
                lines[row] = b"".join(words)
            case 4:
                at = draw(st.integers(0, len(lines[row]) - 1))
                byte = bytes([draw(st.integers(0, 255))])
                lines[row] = lines[row][:at] + byte + lines[row][at + 1 :]
        header = b"".join(lines) or b"\n"
    return whole, header + whole[end:]


def declarations(content):
    header = content.partition(b"end_header")[0]
    lines = [line.split() for line in header.split(b"\n")]
    return [line for line in lines if line and line[0] not in (b"comment", b"obj_info")]


def check_mutant(path, whole, mutant):
    try:
        found = read(path, mutant)
    except ScanError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return
    assert len(found["x"]) == len(POINTS)
    literal = naive_vertices(mutant)
    assert set(found) == set(literal)
    for name, column in found.items():
        np.testing.assert_array_equal(column, literal[name])
    if declarations(mutant) == declarations(whole):
        expected = read(path, whole)
        for name, column in found.items():
            np.testing.assert_array_equal(column, expected[name])


@given(mutants())
@many(1_000)
def test_a_changed_header_is_an_error_or_gives_the_same_points(tmp_path, pair):
    check_mutant(tmp_path / "a.ply", *pair)


@pytest.mark.slow
@given(mutants())
@many(4_000)
def test_many_changed_headers(tmp_path, pair):
    check_mutant(tmp_path / "a.ply", *pair)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_even_more_changed_headers(tmp_path, seed):
    """With those above 20,000; other ones for each seed."""

    @hypothesis.seed(seed)
    @given(mutants())
    @many(5_000)
    def check(pair):
        check_mutant(tmp_path / "a.ply", *pair)

    check()


@pytest.mark.parametrize("whole", FILES)
def test_files_cut_anywhere_are_errors(tmp_path, whole):
    for size in range(0, len(whole) - 1, 7):
        try:
            found = read(tmp_path / "a.ply", whole[:size])
        except ScanError:
            continue
        assert found["z"].tolist() == [z for _, _, z, _ in POINTS]

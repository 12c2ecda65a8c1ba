"""Text of points: how columns are told apart, and what is wrong with a file."""

import pytest

from gspn_tf.files.errors import ScanError
from gspn_tf.files.scans import read_scan


def read(tmp_path, text, name="a.xyz"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_scan(path)


def test_comments_may_be_in_any_encoding(tmp_path):
    scan = read(tmp_path, b"# caf\xe9\n1 2 3\n4 5 6\n")
    assert scan.points.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "row, fields, color",
    [
        ("1 2 3", "", None),
        ("1 2 3 0.5", "intensity", None),
        ("1 2 3 9 8 7", "red green blue", [9, 8, 7]),
        ("1 2 3 -700 9 8 7", "intensity red green blue", [9, 8, 7]),
        ("1 2 3 0 0.6 -0.8", "nx ny nz", None),
        ("1 2 3 9 8 7 0 0.6 -0.8", "red green blue nx ny nz", [9, 8, 7]),
        ("1 2 3 0 0.6 -0.8 9 8 7", "nx ny nz red green blue", [9, 8, 7]),
        ("1 2 3 1 2", None, None),
    ],
)
def test_columns_without_names(tmp_path, row, fields, color):
    for separator in (" ", "\t", ",", ", ", ";", " ; "):
        text = "\n".join([separator.join(row.split())] * 3)
        scan = read(tmp_path, text)
        assert scan.points.tolist() == [[1, 2, 3]] * 3
        assert (None if scan.colors is None else scan.colors[0].tolist()) == color
        if fields is not None:
            assert scan.fields == ("x", "y", "z", *fields.split())
        told = any("taken as x, y, z, " in note for note in scan.notes)
        assert told == (len(row.split()) in (4, 6, 7, 9) and fields != "nx ny nz")


@pytest.mark.parametrize(
    "head",
    [
        "//X Y Z R G B label",
        "# made by hand\n# x y z red green blue label",
        '"x","y","z","r","g","b","Label"',
        "X;Y;Z;R;G;B;semantic",
    ],
)
def test_a_line_of_names_goes_before_the_order(tmp_path, head):
    scan = read(
        tmp_path, f"{head}\n1 2 3 9 8 7 5\n# no point\n4 5 6 9 8 7 6\n", "a.csv"
    )
    assert scan.points.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert scan.colors.tolist() == [[9, 8, 7]] * 2 and scan.notes == ()
    assert scan.semantic.tolist() == [5, 6]
    moved = read(tmp_path, "z,y,x\n3,2,1\n", "b.csv")
    assert moved.points.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    "text",
    ["1,5 2,25 -3\n4 5 6", "1,5;2,25;-3\n4;5;6", "1,5\t2,25\t-3\n4\t5\t6"],
)
def test_decimal_commas(tmp_path, text):
    assert read(tmp_path, text).points.tolist() == [[1.5, 2.25, -3], [4, 5, 6]]


@pytest.mark.parametrize("separator", [",", ";", "; ", " , "])
def test_empty_cells_are_nan(tmp_path, separator):
    rows = [["x", "y", "z", "i", "r", "g", "b"], ["1", "2", "3", "", "4", "5", "6"]]
    text = "\n".join(separator.join(row) for row in rows)
    scan = read(tmp_path, text)
    assert scan.points.tolist() == [[1, 2, 3]] and scan.colors.tolist() == [[4, 5, 6]]


def test_counts_of_pts(tmp_path):
    text = "2\r\n1 2 3 -5 9 8 7\r\n4 5 6 -5 9 8 7\r\n1\r\n7 8 9 -5 9 8 7\r\n"
    scan = read(tmp_path, text, "a.pts")
    assert scan.points.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    with pytest.raises(ScanError, match="truncated: 3 points announced, 2 there"):
        read(tmp_path, text[: text.rindex("7 8 9")], "a.pts")


def test_text_of_windows(tmp_path):
    scan = read(tmp_path, "-1.#IND 2 3\r\n1 2 3\r\n".encode("utf-16"))
    assert scan.finite.tolist() == [False, True]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "expected xyz content, but it is empty"),
        ("abc\n", "expected a point a line, got no line of numbers"),
        ("1 2\n", "expected x y z of each point, got \\[1, 2\\]"),
        ("1 2 3\n4 5\n", "malformed points"),
        ("1 2 3\n4 5 x\n", "malformed points"),
        ("x1 2 3\n4 5 6\n", "malformed points"),
        (b"1\0 2 3", "zero bytes"),
        ("x,y,z,x\n1,2,3,4\n", "column 'x' is named twice"),
        ("i,x,y,z\n,1,2,3\n", "4 columns are named, a point has 3 values"),
        ("1e30 2 3\n", "finite points within 1e.12, got none"),
        ("nan 1 2", "expected finite points"),
    ],
)
def test_malformed_text_is_named(tmp_path, text, message):
    with pytest.raises(ScanError, match=f"a.xyz.*{message}") as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)

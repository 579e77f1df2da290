"""CSV files: numbers, names, what is missing."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl.data import Categories, CSVDataset, DataLoader
from minidl.errors import DataError, LabelError

TABLES = Path(__file__).parents[3] / "shared" / "data" / "tabular"

TEXT = """size, colour,price,kind
1,red,10.5,b
2.5, "blue, dark",-3e2,a

3,red,.5,b
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    return tmp_path / "t.csv"


def test_columns_by_name(path):
    table = CSVDataset(path, target="kind", categorical=["colour", "kind"])
    x, y = table.tensors
    assert table.columns == ["size", "colour", "price"] and table.target == "kind" and len(table) == 3
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(x.data, np.float32([[1, 1, 10.5], [2.5, 0, -300], [3, 1, 0.5]]))
    assert y.data.tolist() == [1, 0, 1]
    assert table.categories["colour"].values == ["blue, dark", "red"]
    assert table.categories["kind"].decode(y) == ["b", "a", "b"]
    (batch,) = DataLoader(table, 3)
    assert batch[0].shape == (3, 3)


def test_columns_chosen_by_name_and_number(path):
    table = CSVDataset(path, target=2, columns=["size"])
    assert table.target == "price"
    np.testing.assert_array_equal(table.tensors[1].data, np.float32([10.5, -300, 0.5]))
    only = CSVDataset(path, columns=[2, "size"])
    assert only.target is None and len(only.tensors) == 1
    np.testing.assert_array_equal(only.tensors[0].data[0], np.float32([10.5, 1]))


def test_without_a_header_and_with_other_delimiters(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"# made by hand\n1;2;3\n4;5;6"))
    table = CSVDataset(tmp_path / "t.csv.gz", -1, header=False, skip=1, delimiter=";")
    assert table.columns == ["0", "1"] and table.target == "2"
    np.testing.assert_array_equal(table.tensors[0].data, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(table.tensors[1].data, [3, 6])


@pytest.mark.parametrize("sign", ["", "NA", "nan", "?", " null "])
def test_missing_values(sign, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"a,b,c\n1,2,x\n3,{sign},y\n5,6,z\n")
    with pytest.raises(DataError, match=r"line 3, column 'b': got .*, the value is missing\n  fix: pass missing="):
        CSVDataset(path, "c", categorical=["c"])
    dropped = CSVDataset(path, "c", categorical=["c"], missing="drop")
    np.testing.assert_array_equal(dropped.tensors[0].data, [[1, 2], [5, 6]])
    assert dropped.categories["c"].values == ["x", "z"]
    kept = CSVDataset(path, "c", categorical=["c"], missing="nan")
    np.testing.assert_array_equal(kept.tensors[0].data, [[1, 2], [3, np.nan], [5, 6]])
    assert len(CSVDataset(path, columns=["a"])) == 3  # a column that is not used may have holes
    with pytest.raises(DataError, match="line 3, column 'b'"):
        CSVDataset(path, "a", categorical=["b", "c"], missing="nan")


def test_lines_are_counted_as_in_an_editor(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n"x\ny",1\n\nz,oops\n')
    with pytest.raises(DataError, match="line 5, column 'b': got 'oops', expected a number"):
        CSVDataset(tmp_path / "t.csv", categorical=["a"])


def test_categories():
    categories = Categories(["b", "a", "b", "c"])
    assert len(categories) == 3
    assert categories.encode(["c", "a"]).tolist() == [2, 0]
    assert categories.decode(minidl.tensor([1, 1])) == ["b", "b"]
    with pytest.raises(LabelError, match="got 'd', which is none of the 3 known: 'a', 'b', 'c'"):
        categories.encode(["a", "d"])
    with pytest.raises(LabelError, match="got 3, expected 0 to 2"):
        categories.decode([0, 3])


@pytest.mark.skipif(not TABLES.is_dir(), reason="the tables are not here")
def test_real_tables():
    iris = CSVDataset(TABLES / "iris.csv", -1, header=False, skip=1)
    assert iris.tensors[0].shape == (150, 4) and np.unique(iris.tensors[1].data).tolist() == [0, 1, 2]
    options = {"target": "median_house_value", "categorical": ["ocean_proximity"]}
    path = TABLES / "california_housing.csv.gz"
    houses = CSVDataset(path, **options, missing="drop")
    assert len(houses) == 20640 - 207 and len(houses.columns) == 9
    assert "INLAND" in houses.categories["ocean_proximity"].values
    with pytest.raises(DataError, match="column 'total_bedrooms': got '', the value is missing"):
        CSVDataset(path, **options)

"""Arrays and strings come back as they were written, and errors of the disk are told."""

import errno

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from everygrain.errors import StorageError, StoredIndexError
from everygrain.index.files import (
    pack_strings,
    read_arrays,
    storage_errors,
    unpack_strings,
    write_arrays,
)

KINDS = ["float32", "float16", "float64", "int64", "int32", "uint8", "uint16", "uint32"]
arrays = st.sampled_from(KINDS).flatmap(
    lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(max_dims=2, min_side=0, max_side=5))
)
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["a", "b", "é", "long name"]), arrays, min_size=1))
def test_arrays_come_back_bit_for_bit(tmp_path, written):
    write_arrays(tmp_path / "file", written)
    read = read_arrays(tmp_path / "file")
    assert read.keys() == written.keys()
    for name, array in written.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()


def test_an_array_that_lies_in_memory_by_columns_comes_back_by_rows(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    write_arrays(tmp_path / "file", {"a": array, "b": array[::2]})
    read = read_arrays(tmp_path / "file")
    assert read["a"].tolist() == array.tolist()
    assert read["b"].tolist() == array[::2].tolist()


def test_mapped_arrays_cannot_be_written_into(tmp_path):
    write_arrays(tmp_path / "file", {"a": np.zeros(3)})
    with pytest.raises(ValueError, match="read-only"):
        read_arrays(tmp_path / "file")["a"][0] = 1


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path):
    write_arrays(tmp_path / "file", {"a": np.zeros(3)})
    (tmp_path / ".file").mkdir()  # where the new file would be made
    with pytest.raises(OSError, match="directory"):
        write_arrays(tmp_path / "file", {"a": np.ones(3)})
    assert read_arrays(tmp_path / "file")["a"].tolist() == [0, 0, 0]


@given(st.binary(max_size=200))
def test_what_is_no_file_of_arrays_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "nonsense"
    path.write_bytes(content)
    with pytest.raises(StoredIndexError, match="nonsense") as caught:
        read_arrays(path)
    assert "--repair" in caught.value.remedy


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "not permitted"),
        (errno.EACCES, "not permitted"),
        (errno.EIO, "reports an error"),
    ],
)
def test_errors_of_the_disk_are_told_with_the_folder_and_what_to_do(tmp_path, number, told):
    with pytest.raises(StorageError, match=told) as caught, storage_errors(tmp_path):
        raise OSError(number, "as the system says")
    assert str(tmp_path) in caught.value.problem
    assert "everything committed before is kept" in caught.value.remedy


def test_other_errors_of_the_system_go_through(tmp_path):
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "nothing").read_bytes()


@given(st.lists(strings))
def test_packed_strings_come_back(written):
    packed, offsets = pack_strings(written)
    assert unpack_strings(packed, offsets) == written
    assert offsets.tolist()[-1] == len("".join(written).encode())

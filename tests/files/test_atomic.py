"""Locks, where a file system has them and where it has none."""

import errno
import fcntl

import pytest

from gspn_tf import files


def test_a_lock_keeps_others_out_and_is_left_in_the_end(tmp_path):
    for path in (tmp_path, tmp_path / "lock"):
        with files.locked(path, "taken"):
            with pytest.raises(ValueError, match="taken"), files.locked(path, "taken"):
                pass
        with files.locked(path, "taken"):
            pass
    with pytest.raises(BlockingIOError), files.locked(tmp_path, "taken"):
        raise BlockingIOError


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_serves(tmp_path, monkeypatch, number):
    def flock(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    with files.locked(tmp_path, "taken"):
        number = errno.EIO
    with pytest.raises(OSError, match="no locks"), files.locked(tmp_path, "taken"):
        pass

"""The grader removes only the temporary folders that it made, whatever else is called alike."""
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time

import psutil
import pytest

from course_lib.grading import home


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind():
    """A folder of a run that was killed."""
    folder, mark = home.make()
    (folder / "files" / "deep").mkdir(parents=True)
    (folder / "files" / "deep" / "file").write_text("x")
    os.chmod(folder / "files" / "deep", 0o500)
    os.close(mark)
    return folder


def test_what_a_killed_run_left_goes_and_what_is_held_stays(place):
    live, held = home.make()
    left = left_behind()
    folder, mark = home.make()
    assert live.exists() and folder.exists() and not left.exists()
    home.remove(folder)
    assert folder.exists(), "somebody holds it"
    home.remove(folder, held=True)
    os.close(held)
    os.close(mark)
    assert list(place.iterdir()) == [live]


def no_mark(folder, elsewhere):
    (folder / home.MARK).unlink()


def other_mark(folder, elsewhere):
    (folder / home.MARK).write_bytes(home.CONTENT + b"x")


def short_mark(folder, elsewhere):
    (folder / home.MARK).write_bytes(home.CONTENT[:9])


def mark_is_a_link(folder, elsewhere):
    (elsewhere / "m").write_bytes(home.CONTENT)
    (folder / home.MARK).unlink()
    (folder / home.MARK).symlink_to(elsewhere / "m")


def mark_is_a_pipe(folder, elsewhere):
    (folder / home.MARK).unlink()
    os.mkfifo(folder / home.MARK)


def mark_is_a_folder(folder, elsewhere):
    (folder / home.MARK).unlink()
    (folder / home.MARK).mkdir()


def is_a_link(folder, elsewhere):
    folder.rename(elsewhere / "f")
    folder.symlink_to(elsewhere / "f")


def of_another(folder, elsewhere):
    if os.getuid():
        pytest.skip("needs root")
    os.chown(folder, 12345, 12345)


def mark_of_another(folder, elsewhere):
    if os.getuid():
        pytest.skip("needs root")
    os.chown(folder / home.MARK, 12345, 12345)


@pytest.mark.parametrize("spoil", [no_mark, other_mark, short_mark, mark_is_a_link, mark_is_a_pipe,
                                   mark_is_a_folder, is_a_link, of_another, mark_of_another],
                         ids=lambda f: f.__name__)
def test_what_is_not_quite_the_graders_stays(place, tmp_path_factory, spoil):
    folder = left_behind()
    spoil(folder, tmp_path_factory.mktemp("elsewhere"))
    home.make()
    assert (folder / "files" / "deep" / "file").exists()


def test_no_name_of_anothers_stops_it(place):
    names = ["grading-2024-results", "grading-", "grading-x", "grading-1", "grading",
             home.PREFIX, f"{home.PREFIX}2024", f"{home.PREFIX}{'9' * 50}", f"{home.PREFIX}²",
             home.PREFIX + "\udcff", f"{home.PREFIX}\n"]
    for name in names:
        (place / name).mkdir()
        (place / name / "results").write_text("x")
    (place / f"{home.PREFIX}file").write_text("x")
    (place / f"{home.PREFIX}loop").symlink_to(place / f"{home.PREFIX}loop")
    (place / f"{home.PREFIX}shut").mkdir(mode=0)
    before = set(os.listdir(place))
    folder, _ = home.make()
    assert set(os.listdir(place)) == before | {folder.name}
    assert all((place / name / "results").exists() for name in names)


def test_a_link_inside_is_removed_and_not_followed(place, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").write_text("x")
    os.chmod(elsewhere, 0o500)
    (left_behind() / "link").symlink_to(elsewhere)
    folder, _ = home.make()
    assert os.listdir(place) == [folder.name]
    assert (elsewhere / "kept").exists() and elsewhere.stat().st_mode & 0o777 == 0o500


def test_many_that_start_at_once_leave_each_other_alone(place):
    for _ in range(5):
        left_behind()
    made, threads = [], [threading.Thread(target=lambda: made.append(home.make()))
                         for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(folder.name for folder, _ in made) == sorted(os.listdir(place))


RUN = """
import sys
from course_lib.grading.engine import Engine, Settings
engine = Engine(Settings(sandbox="none"))
print(engine.home, flush=True)
sys.stdin.read()
"""


@pytest.mark.loop
def test_a_killed_run_leaves_no_folder(place):
    run = subprocess.Popen([sys.executable, "-c", RUN], stdin=subprocess.PIPE, text=True,
                           stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(place)})
    folder = run.stdout.readline().strip()
    family = psutil.Process(run.pid).children(recursive=True)
    with open(os.path.join(folder, home.MARK)) as mark, pytest.raises(BlockingIOError):
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    run.kill()
    run.communicate()
    psutil.wait_procs(family, 60)
    deadline = time.monotonic() + 60
    while os.listdir(place):
        assert time.monotonic() < deadline
        time.sleep(0.05)

"""What a student's kernel sends is read at bounded cost: it is plain data, or it is refused."""
import json
import math
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from course_lib.grading import channel
from course_lib.grading.channel import HEAD, CannotCross, Channel, Violation, weight
from course_lib.grading.checker import time_limit
from course_lib.grading.comfort import TookTooLong, flat
from course_lib.grading.wire import decode


def frame(text: bytes, data: bytes = b"") -> bytes:
    return HEAD.pack(len(text), len(data)) + text + data


def received(raw: bytes, *, stays: bool = False, room: float = math.inf, deadline=None):
    """What a channel makes of these bytes, after which the line is cut, or `stays`."""
    mine, its = socket.socketpair()

    def write():
        try:
            its.sendall(raw)
        except OSError:
            return
        if not stays:
            its.close()

    with mine, its:
        writer = threading.Thread(target=write)
        writer.start()
        line = Channel(mine.fileno(), mine.fileno())
        line.room = room
        try:
            return line.receive(deadline)
        finally:
            mine.close()
            writer.join()


@pytest.mark.parametrize("text", [
    b"", b"[]", b"0", b"null", b'"x"', b"{", b'{"a": 1}}', b"{'a': 1}", b'{"a": 01}', b'{"a": .5}',
    b'{"a": "\xff"}', b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32"),
    b'{"a": ' + b"9" * 5000 + b"}", b'{"a": ' + b"9" * 10 ** 6 + b"}", b'{"a": ' + b"[" * 10 ** 5,
    b'{"a":' * 10 ** 5, b'{"a": [' + b"[]," * 2_000_000 + b"0]}",
    b'{"a": [' + b'{"":0},' * 1_500_000 + b"0]}", b'{"a": "' + b"[" * 4_000_000 + b'"}'],
    ids=lambda text: text[:20].decode("latin-1") + f" {len(text)}")
def test_what_is_no_message_is_a_violation(text):
    with pytest.raises(Violation):
        received(frame(text))


@pytest.mark.parametrize("raw", [b"", HEAD.pack(9, 0)[:-1], HEAD.pack(9, 0),
                                 HEAD.pack(2, 1) + b"{}", HEAD.pack(9, 0) + b'{"a": 1'])
def test_what_is_cut_is_an_end_or_takes_until_the_deadline(raw):
    with pytest.raises(EOFError):
        received(raw)
    with pytest.raises(TimeoutError):
        received(raw, stays=True, deadline=time.monotonic() + 0.05)


@pytest.mark.parametrize("sizes", [((32 << 20) + 1, 0), (2, (128 << 20) + 1), (2 ** 32 - 1, 0),
                                   (2, 2 ** 64 - 1)])
def test_sizes_that_are_too_large_are_refused_before_anything_comes(sizes):
    with pytest.raises(Violation, match="too many bytes"):
        received(HEAD.pack(*sizes), stays=True)


def test_frames_have_a_room_together():
    with pytest.raises(Violation, match="too many bytes"):
        received(frame(b"{}", bytes(85)), room=100)
    assert received(frame(b"{}", bytes(84)), room=100) == ({}, bytes(84))


def test_what_cannot_be_read_cannot_be_sent():
    with pytest.raises(CannotCross):
        Channel(*os.pipe()).send({"a": [[]] * 2_000_000})
    assert weight(json.dumps({"a": [0.5] * 1_000_000}).encode()) < channel.MAX_JSON


NUMBERS = {"1e400": math.inf, "-1e400": -math.inf, "1e-400": 0.0, "1e" + "9" * 10 ** 6: math.inf,
           "0." + "0" * 10 ** 6 + "1": 0.0, "9" * 300: int("9" * 300), "Infinity": math.inf,
           "-0": 0, "-0.0": -0.0, '"\\ud800"': "?", '"\\u0000"': "\0"}


@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: text[:9])
def test_numbers_and_texts_of_all_kinds(text):
    message, data = received(frame(b'{"x": 1, "x": %s}' % text.encode()))
    assert decode(message["x"], data) == NUMBERS[text]


BIG = 10 ** 4000
MALFORMED = [
    BIG, -BIG, {"tuple": [BIG]}, {"complex": [BIG, 0]}, {"complex": [1, 2, 3]}, {"complex": 1},
    *({kind: [dtype, shape, size]} for kind in ("tensor", "array", "scalar") for dtype, shape, size
      in [("float32", [0, 2 ** 62], 0), ("float32", [BIG, 0], 0), ("int8", [0] + [2 ** 27] * 15, 0),
          ("float32", [2 ** 62, 4], 0), ("float32", [2 ** 31, 2 ** 31, 4], 2 ** 66),
          ("float32", [True], 4), ("float32", [1.0], 4), ("float32", ["1"], 4), ("float32", "1", 4),
          ("float32", {"1": 1}, 4), ("float32", None, 4), ("float32", [1], 4.0),
          ("uint8", [1], True), ("float32", [-1, -1], 4), ("float32", [1] * 17, 4),
          ("float32", [3], 12), ("float32", [1], 8), ("float32", [1], -4), ("float33", [1], 4),
          ("torch.float32", [1], 4), ("O", [1], 8), ("V8", [1], 8), ("U2", [1], 8),
          ("M8[s]", [1], 8), ("O", [0], 0), ("V8", [0], 0), ("float128", [0], 0),
          ("qint8", [1], 1), ("<f4", [1], 4), ("f4,f4", [1], 8), ("f4,f4", [0], 0),
          ("float32,", [1], 4), (None, [1], 4), (["float32"], [1], 4), (7, [1], 4)]),
    {"tensor": "abc"}, {"tensor": {"a": 1, "b": 2, "c": 3}}, {"tensor": []}, {"tensor": [1] * 4},
    {"scalar": ["float32", [0], 0]}, {"array": ["bfloat16", [1], 2]}, {"dtype": ["float32"]},
    {"dtype": "numpy.float32"}, {"dtype": None}, {"tuple": 1}, {"tuple": None}, {"dict": [1]},
    {"dict": [[1]]}, {"dict": [[1, 2, 3]]}, {"dict": [[{"dict": []}, 1]]}, {"dict": [["ab"]]},
    {"dict": [[{"array": ["int8", [1], 1]}, 1]]}, {"dict": None}, {}, {"a": 1, "b": 2}, {"": 1},
    {"\ud800": 1}, {"x" * 10 ** 6: 1}, {"net": 1}, {"generator": 1}, {"callback": 0},
]


@pytest.mark.parametrize("tree", MALFORMED, ids=lambda tree: json.dumps(tree)[:60])
def test_what_is_no_value_is_a_violation(tree):
    for value in (tree, [tree], {"tuple": [tree]}, {"dict": [[1, tree]]}):
        with pytest.raises(Violation) as caught:
            decode(value, bytearray(8))
        assert len(str(caught.value)) < 100


def test_odd_values_that_are_values():
    assert decode({"dict": [[1, "a"], [True, "b"], [1.0, "c"]]}, b"") == {1: "c"}
    assert decode({"tuple": {"a": 1}}, b"") == ("a",)
    assert decode({"complex": [math.nan, 1]}, b"").imag == 1
    assert decode({"tensor": ["float32", [0, 2 ** 27], 0]}, b"").shape == (0, 2 ** 27)
    assert decode({"tensor": ["bool", [2], 2]}, b"\2\0").tolist() == [True, False]
    assert decode({"array": ["bool", [2], 2]}, b"\2\0").view("u1").tolist() == [1, 0]


def test_keys_that_collide_are_cut_off():
    items = [[k * (2 ** 61 - 1), 0] for k in range(100_000)]
    with pytest.raises(TookTooLong), time_limit(0.5):
        decode({"dict": items}, b"")


def test_outputs_are_flat():
    picture = {"output_type": "display_data", "data": {"image/png": "x"}, "metadata": {}}
    error = {"output_type": "error", "traceback": ["a", "b"]}
    assert flat([picture, error]) == [picture, error] and flat([{"data": {"a": [[[1]]]}}]) == []
    assert flat(json.loads("[" * 900 + "]" * 900)) == []


def filled(item: bytes, most: int, last: bytes = b"0") -> bytes:
    """As many of them as weigh as much as is allowed."""
    return b'{"x": [' + item * ((most - 200) // weight(item)) + last + b"]}"


def memory(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(what))) << 10


@pytest.mark.parametrize("item,block", [
    (b"[[[[]]]],", 0), (b'{"tensor":["int8",[1],1]},', 1), (b'{"":1},', 0)])
def test_the_memory_that_a_frame_becomes(monkeypatch, item, block):
    """At most eight times as much as the largest frame has, here of an eighth of the size."""
    most, most_data = channel.MAX_JSON // 8, channel.MAX_BYTES // 8
    monkeypatch.setattr(channel, "MAX_JSON", most)
    large = most_data - (block and most // weight(item))
    last = b'{"tensor":["bool",[%d],%d]}' % (large, large)
    raw = frame(filled(item, most, last), bytes(most_data))
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    message, data = received(raw)
    try:
        decode(message["x"], data)
    except Violation:
        pass
    assert memory("VmHWM") - before < 8 * (most + most_data)

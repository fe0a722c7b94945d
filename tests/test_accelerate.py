"""Training in two processes of one machine's CPU, through Hugging Face accelerate."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from test_faces import small_celeba
from two_processes import Mean, Pairs, data, drawn, train

from course_lib.recipes._unclip_command import main

TESTS = Path(__file__).parent


def launched(*command, timeout=300):
    """The run, in two processes on a free port; --multi_gpu also starts processes without GPUs."""
    environment = os.environ | {
        "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
        "GLOO_SOCKET_IFNAME": "lo" if sys.platform == "linux" else "lo0",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
         "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
         "--main_process_port", "0", *map(str, command)],
        env=environment, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    return folder, launched(TESTS / "two_processes.py", folder)


@pytest.mark.parametrize("name", ["mean", "pairs"])
def test_both_processes_end_with_the_same_weights_bit_for_bit(run, name):
    first, second = (load_file(run[0] / f"{name}_{process}.safetensors") for process in (0, 1))
    assert first.keys() == second.keys() and any(key.startswith("ema/") for key in first)
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name, model", [("mean", Mean), ("pairs", Pairs)])
def test_two_halves_of_a_batch_take_the_step_of_the_whole(run, name, model):
    """In float64: sums in another order differ by 1e-16 a step, and Muon's five iterations make
    at most 3.5⁵ = 500 times as much of it. What is not averaged, or clipped before, differs by
    1e-3, as the last assertion says of one half alone."""
    model, half = drawn(model(), 0), drawn(model(), 0)
    train(model, data())
    train(half, data(0, 2))
    found = load_file(run[0] / f"{name}_0.safetensors")
    for key, value in model.state_dict().items():
        torch.testing.assert_close(found[key], value, rtol=0, atol=1e-9)
        torch.testing.assert_close(found[f"ema/{key}"], model.ema[key], rtol=0, atol=1e-9)
    away = max((found[key] - value).abs().max().item() for key, value in half.state_dict().items())
    assert away > 1e-3


def test_only_one_process_shows_a_bar(run):
    bars = re.findall(r"(\w+)/6 \[", run[1].stderr)
    assert bars.count("6") == 4, run[1].stderr            # of the two fits of two models


def test_the_command_trains_on_celeba_in_two_processes_and_draws_from_its_weights(tmp_path):
    small_celeba(tmp_path / "celeba", n=16, split=lambda i: 0 if i < 9 else 1)
    launched("-m", "course_lib.diffusion.unclip", "--celeba", tmp_path / "celeba", "--weights",
             tmp_path / "out", "--updates", 2, 2, 2, "--batch", 4)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["clip.safetensors", "decoder.safetensors", "prior.safetensors"]
    main(["a smiling woman with blond hair", "--weights", str(tmp_path / "out"), "--steps", "2",
          "--n", "2", "--out", str(tmp_path / "x.png")])
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.width > picture.height > 100


@pytest.mark.parametrize("given, says", [
    ([], "give a caption"), (["a face", "--celeba", "x"], "give a caption"),
    (["--celeba", "x"], "needs --weights"), (["a face", "--n", "0"], "1 or more"),
    (["", "--n", "1"], "holds no word"), (["a face", "--weights", "nowhere"], "No weights at"),
    (["--celeba", "nowhere", "--weights", "out"], "lacks list_attr_celeba.txt")])
def test_what_does_not_fit_is_one_line(given, says, capsys):
    with pytest.raises(SystemExit) as error:
        main(given)
    assert says in f"{error.value} {capsys.readouterr().err}"

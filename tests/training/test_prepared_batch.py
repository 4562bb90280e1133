"""Training with a look-ahead computes what training without one computes, killed or not, from array and from files."""

import threading
from functools import partial

import numpy as np
import pytest
import torch
from kill_and_resume import Killed, kill_after, same, weights, without_times
from tiny_data import SCHEMA, SIZE, tiny_data
from tiny_manipulation import SCHEMA as GARMENTS
from tiny_manipulation import tiny_manipulation
from tiny_photographs import photograph

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import augment, normalise
from fashion_lib.data.feed import Reach
from fashion_lib.data.picture_source import pictures
from fashion_lib.data.sampling import InBatchSampler
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION, ManipulationConfig
from fashion_lib.tasks.retrieval import embedding
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop, prepared_batch
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.prepared_batch import prepare_batch

pytestmark = pytest.mark.slow  # `make quick` leaves it out

train = partial(loop.train, task=RETRIEVAL, progress=False)
CONFIG = TrainingConfig(
    steps=8, batch_size=12, groups=2, evaluations=2, precision="fp32", device="cpu", checkpoint_every=3
)
NAMES = tuple(f"{number:03d}.jpg" for number in range(90))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for number, name in enumerate(NAMES):
        photograph(folder / name, number, 40, 30)
    return folder


@pytest.fixture
def lazy(folder):
    """The data set whose pictures are decoded when they are read."""
    return tiny_data(90, pixels=pictures("t", folder, NAMES, SIZE, way="decode")[0])


@pytest.fixture(scope="module")
def in_memory(folder):
    return tiny_data(90, pixels=pictures("t", folder, NAMES, SIZE, way="decode")[0][:])


@pytest.fixture(scope="module")
def unbroken(in_memory, tmp_path_factory):
    model = build_model("asen", SCHEMA, start="random")
    return model, train(model, in_memory, CONFIG, tmp_path_factory.mktemp("unbroken"))


@pytest.fixture(params=[Reach(), Reach(1, 1), Reach(3, 4)], ids=str)
def reach(request, monkeypatch):
    for user in (prepared_batch, embedding):
        monkeypatch.setattr(user, "how_far", lambda *_, **__: request.param)


def feed_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("feed")]


def test_a_look_ahead_changes_no_bit(reach, lazy, unbroken, tmp_path):
    model = build_model("asen", SCHEMA, start="random")
    history = train(model, lazy, CONFIG, tmp_path)
    assert same(weights(model), weights(unbroken[0])) and without_times(history) == without_times(unbroken[1])
    assert feed_threads() == []


@pytest.mark.parametrize("killed_after", [1, 5])
def test_killed_and_resumed_equals_unbroken(killed_after, lazy, unbroken, tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 4)  # three threads
    with monkeypatch.context() as patch:
        kill_after(patch, killed_after)
        with pytest.raises(Killed):
            train(build_model("asen", SCHEMA, start="random"), lazy, CONFIG, tmp_path)
    assert feed_threads() == []
    resumed = build_model("asen", SCHEMA, start="random", seed=9)
    history = train(resumed, lazy, CONFIG, tmp_path)
    assert same(weights(resumed), weights(unbroken[0])) and without_times(history) == without_times(
        unbroken[1]
    )


def test_a_run_may_go_on_with_the_other_way(lazy, in_memory, unbroken, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_after(patch, 4)
        with pytest.raises(Killed):
            train(build_model("asen", SCHEMA, start="random"), in_memory, CONFIG, tmp_path)
    resumed = build_model("asen", SCHEMA, start="random")
    train(resumed, lazy, CONFIG, tmp_path)
    assert same(weights(resumed), weights(unbroken[0]))


def test_embedding_and_evaluation_are_the_same(reach, lazy, in_memory, unbroken):
    model = unbroken[0]
    rows = np.random.default_rng(0).integers(0, 90, 50)
    found, expected = (embed_images(model, data, rows, [0, 2], batch_size=8) for data in (lazy, in_memory))
    assert all(torch.equal(found[a], expected[a]) for a in (0, 2))
    assert evaluate(model, lazy, batch_size=7) == evaluate(model, in_memory, batch_size=7)
    assert feed_threads() == []


def test_a_broken_photograph_stops_the_run_with_one_sentence(reach, folder, tmp_path):
    spoiled = tmp_path / "photographs"
    spoiled.mkdir()
    for name in NAMES:
        content = (folder / name).read_bytes()
        (spoiled / name).write_bytes(content[:150] if name in NAMES[::3] else content)
    data = tiny_data(90, pixels=pictures("t", spoiled, NAMES, SIZE, way="decode")[0])
    model = build_model("csn", SCHEMA, start="random")
    with pytest.raises(FashionError, match=r"^the image \S+\d{3}\.jpg cannot be read \(.*\): replace it"):
        train(model, data, CONFIG, tmp_path / "run")
    with pytest.raises(FashionError, match=r"\d{3}\.jpg cannot be read"):
        embed_images(model, data, np.arange(90), [0], batch_size=4)
    assert feed_threads() == []


def test_pixels_in_memory_start_no_thread_on_a_cpu(in_memory, tmp_path, monkeypatch):
    def no_thread(self):
        raise AssertionError(f"thread {self.name} started")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    model = build_model("csn", SCHEMA, start="random")
    assert train(model, in_memory, CONFIG, tmp_path).step == 8


def test_a_step_can_be_taken_alone_and_equals_the_one_of_the_loop(in_memory):
    """The feed is optional: without it a step prepares its own batch."""
    sampler = InBatchSampler(in_memory.encoded("train"), 12, 2)
    found = prepare_batch(sampler, in_memory.pixels, CONFIG, 3, CPU)
    rng = np.random.default_rng([CONFIG.seed, 3])
    batch = sampler.batch(rng)
    assert (found.drawn.images == batch.images).all()
    pixels = augment(in_memory.pixels[batch.images], rng)  # after the batch, from the same generator
    assert torch.equal(found.network_input(CPU), normalise(pixels))
    assert found.pixels.dtype == torch.uint8


def manipulation_weights(folder):
    """The weights after six steps in two stages; the second one embeds pictures."""
    settings = {"steps": 6, "batch_size": 12, "evaluations": 1, "precision": "fp32", "device": "cpu"}
    model = build_model("yao2026", GARMENTS, start="random", dim=4)
    loop.train(
        model, tiny_manipulation(90), ManipulationConfig(**settings), folder, task=MANIPULATION, progress=False
    )  # fmt: skip
    return weights(model)


@pytest.fixture(scope="module")
def without_a_feed(tmp_path_factory):
    """The weights where nothing looks ahead, as pixels in memory need no thread on a CPU."""
    return manipulation_weights(tmp_path_factory.mktemp("manipulation"))


def test_manipulation_is_fed_too_while_its_second_stage_embeds_pictures(without_a_feed, reach, tmp_path):
    assert same(manipulation_weights(tmp_path), without_a_feed) and feed_threads() == []

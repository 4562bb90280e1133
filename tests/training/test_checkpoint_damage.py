"""Whatever happens to a run's files, going on ends in one sentence and never in another model."""

import json
import shutil
import struct
from functools import partial

import pytest
import torch
from kill_and_resume import Killed, kill_after, same, weights, without_times
from safetensors.torch import save
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.checkpoint import DIGEST, STATE, digest, read_checkpoint, write_checkpoint
from fashion_lib.training.config import TrainingConfig

pytestmark = pytest.mark.slow
train = partial(loop.train, task=RETRIEVAL, progress=False)
DATA = tiny_data(90)
SETTINGS = {"steps": 8, "batch_size": 12, "groups": 2, "evaluations": 2, "precision": "fp32", "device": "cpu",
            "checkpoint_every": 3}  # fmt: skip


def config(**changes):
    return TrainingConfig(**(SETTINGS | changes))


def model_of(method="csn", seed=0):
    return build_model(method, SCHEMA, start="random", seed=seed)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of a finished run, the same run killed after 6 of 8 steps, another seed's and another method's."""
    base = tmp_path_factory.mktemp("made")
    train(model_of(), DATA, config(), base / "finished")
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 6)
        with pytest.raises(Killed):
            train(model_of(), DATA, config(), base / "killed")
    train(model_of(), DATA, config(seed=1), base / "seed")
    train(model_of("triplet"), DATA, config(), base / "method")
    train(model_of(), tiny_data(90, edition="2"), config(), base / "data")
    return base


def refused(folder, match=None):
    model = model_of(seed=5)
    with pytest.raises(FashionError, match=match) as caught:
        train(model, DATA, config(), folder)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 900 and text.endswith((".", "?"))
    return text


def parts(content):
    """Header (a dictionary) and data of a safetensors file."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_header(change):
    def damage(content):
        header, data = parts(content)
        changed = change(header)
        return joined(header if changed is None else changed, data)

    return damage


def with_state_text(text):
    """A file whose digest is right, so that only the reader of the state can notice."""

    def damage(content):
        header, data = parts(content)
        header["__metadata__"] = {STATE: text(header["__metadata__"][STATE]) if callable(text) else text}
        return joined(header, data)

    return damage


def flipped(share):
    def damage(content):
        place = min(int(len(content) * share), len(content) - 1)
        return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]

    return damage


def swapped(header):
    """Two tensors of one size change names; the old digest stays."""
    names = [name for name in header if name != "__metadata__"]
    sized = {}
    for name in names:
        sized.setdefault((header[name]["dtype"], tuple(header[name]["shape"])), []).append(name)
    _, largest = max((key[1], group) for key, group in sized.items() if len(group) > 1 and len(key[1]) == 4)
    first, second = largest[:2]
    header[first], header[second] = header[second], header[first]


def no_metadata(header):
    del header["__metadata__"]


DEEP = "[" * 100_000 + "]" * 100_000
BYTES = {
    "empty": lambda c: b"",
    "one byte": lambda c: c[:1],
    "the length alone": lambda c: c[:8],
    "half the header": lambda c: c[:300],
    "half": lambda c: c[: len(c) // 2],
    "all but one byte": lambda c: c[:-1],
    "one byte more": lambda c: c + b"\0",
    "twice": lambda c: c + c,
    "zeros": lambda c: bytes(len(c)),
    "text": lambda c: b"hello, world, this is no checkpoint",
    "a zip": lambda c: b"PK\x03\x04" + c,
    "a pickle": lambda c: b"\x80\x04" + c,
    "a huge header length": lambda c: struct.pack("<Q", 2**62) + c[8:],
    "a header length of zero": lambda c: struct.pack("<Q", 0) + c[8:],
    "the header is a list": lambda c: joined(b"[1, 2]", b""),
    "the header is a number": lambda c: joined(b"7", b""),
    "the header is null": lambda c: joined(b"null", b""),
    "the header is text": lambda c: joined(b'"a"', b""),
    "the header is nested deeply": lambda c: joined(DEEP.encode(), b""),
    "the header is no UTF-8": lambda c: joined(b'{"\xff": 1}', b""),
    "the header has no tensors": with_header(lambda h: {"__metadata__": h["__metadata__"]}),
    "no metadata": with_header(no_metadata),
    "metadata are a list": with_header(lambda h: h | {"__metadata__": [1]}),
    "metadata hold a number": with_header(lambda h: h | {"__metadata__": {STATE: 3}}),
    "metadata are empty": with_header(lambda h: h | {"__metadata__": {}}),
    "metadata of another program": with_header(lambda h: h | {"__metadata__": {"format": "pt"}}),
    "metadata hold more": with_header(lambda h: h["__metadata__"].update(extra="1")),
    "the digest is lost, not its place": with_header(lambda h: h["__metadata__"].update({DIGEST: ""})),
    "the digest is another": with_header(lambda h: h["__metadata__"].update({DIGEST: "0" * 64})),
    "the state is lost, not the digest": with_header(lambda h: h["__metadata__"].pop(STATE) and None),
    "the digest's name is damaged": with_header(
        lambda h: h["__metadata__"].update({"fashion_lib.dogest": h["__metadata__"].pop(DIGEST)})
    ),
    "two tensors have changed names": with_header(swapped),
    "the state is a list": with_state_text("[1, 2]"),
    "the state is a number": with_state_text("7"),
    "the state is null": with_state_text("null"),
    "the state is text": with_state_text('"a"'),
    "the state is empty": with_state_text(""),
    "the state is an empty object": with_state_text("{}"),
    "the state is cut off": with_state_text(lambda text: text[:-2]),
    "the state is nested deeply": with_state_text(DEEP),
    "the state holds NaN": with_state_text(lambda text: text.replace('"seconds": ', '"seconds": NaN, "was": ', 1)),
    "the state holds infinity": with_state_text(lambda t: t.replace('"seconds": ', '"seconds": 1e999, "was": ', 1)),
    "the state holds a huge number": with_state_text('{"step": ' + "9" * 5000 + "}"),
    **{f"a bit at {share:.0%}": flipped(share) for share in (0.0, 0.0003, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.99, 1.0)},
}


@pytest.mark.parametrize("name", ["last", "best"])
@pytest.mark.parametrize("damage", BYTES)
def test_damaged_bytes_are_one_sentence(damage, name, made, tmp_path):
    folder = shutil.copytree(made / "finished", tmp_path / "run")
    file = folder / f"{name}.safetensors"
    file.write_bytes(BYTES[damage](file.read_bytes()))
    assert f"{name}.safetensors" in refused(folder)


def of_state(*path, to):
    """Set one part of the state, with a right digest: what a faulty program could have written."""

    def damage(tensors, state):
        part = state
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = to

    return damage


def without(*path):
    def damage(tensors, state):
        part = state
        for step in path[:-1]:
            part = part[step]
        del part[path[-1]]

    return damage


def tensor(pick, change):
    def damage(tensors, state):
        name = next(name for name in tensors if pick in name)
        tensors[name] = change(tensors[name])

    return damage


def drop(pick):
    def damage(tensors, state):
        del tensors[next(name for name in tensors if pick in name)]

    return damage


def drop_optimiser(tensors, state):
    for name in [name for name in tensors if name.startswith("optimiser.")]:
        del tensors[name]


HISTORY = {
    "step": ("8", 8.5, True, None, -1, 9, [], 10**30),
    "entries": (None, {}, [1], ["a"], [[]], [{}], [{"step": 1}], [{"step": 6, "loss": "x"}], []),
    "pending": (None, {}, [1], [{}], [{"loss": 1.0}], [{"loss": 1.0, "images": 0, "seconds": 1.0}]),
    "best_step": ("4", 4.5, True, -1, 9, None, 3),
    "best_map": ("0.5", True, -0.1, 1.5, [0.5], 0.123456),
    "seconds": ("1", None, -1.0, [1.0]),
    "evaluation_seconds": ("1", None, -1.0),
    "image_passes": (1.5, "1", None, -1),
    "precision": (None, 3, "", "fp8", "auto"),
    "warned": (0, "no", None),
    "measure": (None, 3, ["MAP"]),
    "threads": (None, "2", [2], [[1]], [[0, 0]], [[0, -1]], [["0", 1]], [[0, 1, 2]], [[-1, 1]]),
    "another": (1,),
}
CHANGED = {
    **{
        f"history.{name} is {str(to)[:30]!r}": of_state("history", name, to=to)
        for name, values in HISTORY.items()
        for to in values
    },
    **{f"no history.{name}": without("history", name) for name in HISTORY if name not in ("another", "threads")},
    **{f"no {name}": without(name) for name in ("architecture", "attributes", "start", "data", "config", "history")},
    "history is a list": of_state("history", to=[]),
    "history is null": of_state("history", to=None),
    "attributes are text": of_state("attributes", to="collar"),
    "attributes are numbers": of_state("attributes", to=[1, 2, 3]),
    "an attribute is renamed": of_state("attributes", 0, to="other"),
    "architecture is text": of_state("architecture", to="csn"),
    "architecture is empty": of_state("architecture", to={}),
    "another method": of_state("architecture", "method", to="asen"),
    "options are a list": of_state("architecture", "options", to=[]),
    "other start weights": of_state("start_digest", to="0" * 64),
    "start weights without a digest": of_state("start_digest", to=None),
    "other pixels": of_state("data", "pixels", to="0" * 64),
    "another start": of_state("start", to="pretext"),
    "data are text": of_state("data", to="tiny"),
    "another version": of_state("data", "version", to="7"),
    "another number of images": of_state("data", "images", to=91),
    "another setting": of_state("config", "margin", to=0.3),
    "a setting is a truth value": of_state("config", "groups", to=True),
    "a truth value is a number": of_state("config", "flip", to=1),
    "a setting more": of_state("config", "more", to=1),
    "a setting less": without("config", "steps"),
    "the state holds more": of_state("more", to=1),
    "the last loss is missing": without("history", "entries", -1, "loss"),
    "an entry is text": of_state("history", "entries", 0, "loss", to="low"),
    "an entry's step is a number with a point": of_state("history", "entries", 0, "step", to=1.0),
    "entries go back": of_state("history", "entries", 1, "step", to=1),
    "a weight is lost": drop("model."),
    "a weight has another shape": tensor("model.", lambda t: t[:1]),
    "a weight has another dtype": tensor("model.", lambda t: t.half()),
    "a weight is a whole number": tensor("model.", lambda t: t.long()),
}  # fmt: skip


@pytest.mark.parametrize("name", ["last", "best"])
@pytest.mark.parametrize("damage", CHANGED)
def test_a_wrong_content_with_a_right_digest_is_one_sentence(damage, name, made, tmp_path):
    folder = shutil.copytree(made / "finished", tmp_path / "run")
    tensors, state = read_checkpoint(folder / f"{name}.safetensors")
    CHANGED[damage](tensors, state)
    write_checkpoint(folder / f"{name}.safetensors", tensors, state)
    refused(folder)


OPTIMISER = {
    "all is lost": drop_optimiser,
    "one mean is lost": drop("exp_avg_sq"),
    "one count is lost": drop(".step"),
    "another shape": tensor("exp_avg", lambda t: t.reshape(-1)[:1].clone()),
    "another dtype": tensor("exp_avg", lambda t: t.double()),
    "a count with a shape": tensor(".step", lambda t: t.reshape(1)),
    "a count of zero": tensor(".step", lambda t: t * 0),
    "a count beyond the steps": tensor(".step", lambda t: t + 100),
    "half a step": tensor(".step", lambda t: t + 0.5 - 1),
    "a negative mean of squares": tensor("exp_avg_sq", lambda t: t - 1),
    "a parameter too many": lambda tensors, state: tensors.update(
        {f"optimiser.99.{name}": torch.ones(()) for name in ("step", "exp_avg", "exp_avg_sq")}
    ),
    "a strange name": lambda tensors, state: tensors.update({"optimiser.x.step": torch.ones(())}),
    "a name without a part": lambda tensors, state: tensors.update({"optimiser.": torch.ones(())}),
    "the list is short": lambda tensors, state: state["optimiser"].pop(),
    "the list is text": of_state("optimiser", to="all"),
    "the list holds text": of_state("optimiser", 0, to="0"),
    "the list is negative": of_state("optimiser", 0, to=-1),
    "a loss scale of fp16": of_state("scaler", to={"scale": 1024.0}),
    "the list is lost with a part": lambda tensors, state: (state.pop("optimiser"), drop("exp_avg")(tensors, state)),
}


@pytest.mark.parametrize("damage", OPTIMISER)
def test_an_incomplete_optimiser_is_one_sentence(damage, made, tmp_path):
    folder = shutil.copytree(made / "killed", tmp_path / "run")
    tensors, state = read_checkpoint(folder / "last.safetensors")
    OPTIMISER[damage](tensors, state)
    write_checkpoint(folder / "last.safetensors", tensors, state)
    assert "last.safetensors" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("name", "pick"), [("last", "model."), ("best", "model."), ("last", "exp_avg")])
@pytest.mark.parametrize("signed", [True, False])
def test_weights_that_are_not_finite_are_neither_read_nor_written(name, pick, value, signed, made, tmp_path):
    folder = shutil.copytree(made / "killed", tmp_path / "run")
    path = folder / f"{name}.safetensors"
    tensors, state = read_checkpoint(path)
    next(tensor for key, tensor in tensors.items() if pick in key and tensor.ndim).view(-1)[-1] = value
    before = path.read_bytes()
    with pytest.raises(FashionError, match="is not written because .* holds NaN or infinity"):
        write_checkpoint(path, tensors, state)
    assert path.read_bytes() == before
    header = {STATE: json.dumps(state)}
    path.write_bytes(save(tensors, header | ({DIGEST: digest(tensors, header[STATE])} if signed else {})))
    assert "NaN or infinity" in refused(folder)


@pytest.mark.parametrize("kind", ["finished", "killed"])
@pytest.mark.parametrize("name", ["last", "best"])
@pytest.mark.parametrize("other", ["seed", "method", "data"])
def test_another_runs_file_is_refused(other, name, kind, made, tmp_path):
    folder = shutil.copytree(made / kind, tmp_path / "run")
    shutil.copy(made / other / f"{name}.safetensors", folder)
    words = {"seed": "config seed 1 but 0", "method": "triplet default on small", "data": "data version '2+"}
    text = refused(folder)
    assert words[other] in text or ("architecture" in text and other == "method")


@pytest.mark.parametrize("kind", ["finished", "killed"])
def test_lost_best_weights_are_named_before_anything_is_computed(kind, made, tmp_path, monkeypatch):
    folder = shutil.copytree(made / kind, tmp_path / "run")
    (folder / "best.safetensors").unlink()
    monkeypatch.setattr(loop, "training_step", None)
    refused(folder, "best weights, best.safetensors, are missing: delete that folder")


def test_best_weights_of_another_moment_are_refused(made, tmp_path):
    folder = shutil.copytree(made / "finished", tmp_path / "run")
    last = read_checkpoint(folder / "last.safetensors")[1]["history"]
    tensors, state = read_checkpoint(folder / "best.safetensors")
    state["history"] |= {"best_map": last["best_map"] / 2}
    write_checkpoint(folder / "best.safetensors", tensors, state)
    refused(folder, "holds the weights of step .* says that step")


def test_a_folder_in_a_files_place_is_one_sentence(made, tmp_path):
    for name in ("last", "best"):
        folder = shutil.copytree(made / "finished", tmp_path / name)
        (folder / f"{name}.safetensors").unlink()
        (folder / f"{name}.safetensors").mkdir()
        refused(folder)


@pytest.mark.parametrize("kind", ["finished", "killed"])
def test_files_of_earlier_versions_without_a_digest_are_still_read(kind, made, tmp_path):
    folder = shutil.copytree(made / kind, tmp_path / "run")
    for name in ("last", "best"):
        path = folder / f"{name}.safetensors"
        tensors, state = read_checkpoint(path)
        state.pop("optimiser", None)
        path.write_bytes(save(tensors, {STATE: json.dumps(state)}))
    model, expected = model_of(seed=5), model_of(seed=6)
    history = train(model, DATA, config(), folder)
    wanted = train(expected, DATA, config(), made / "finished")
    assert same(weights(model), weights(expected)) and without_times(history) == without_times(wanted)


def test_the_untouched_copies_are_read(made, tmp_path):
    for kind in ("finished", "killed"):
        model, expected = model_of(seed=5), model_of(seed=6)
        history = train(model, DATA, config(), shutil.copytree(made / kind, tmp_path / kind))
        wanted = train(expected, DATA, config(), made / "finished")
        assert same(weights(model), weights(expected)) and without_times(history) == without_times(wanted)

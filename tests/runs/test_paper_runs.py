"""Each system's run at profile `paper` from the first to the last step, on small data in the released formats.

Pictures and networks are tiny and steps few; learning rates, decay, stages, flips, negatives and beta are the papers'.
"""

import pytest
import torch
from released_layouts import released_layouts

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.run import FIRST_STAGE, load_or_train
from fashion_lib.runs.stored import profile_of, stored_model
from fashion_lib.training import loop
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.profiles import PAPER

TINY = {
    "image_size": 32,
    "backbone": "small",
    "start": "random",
    "steps": 2,
    "batch_size": 12,
    "evaluations": 1,
}
SYSTEMS = [
    ("triplet", "default", "fashionai"), ("csn", "code", "fashionai"), ("csn", "veit", "zappos50k"),
    ("asen", "v2", "darn"), ("asen", "v1", "deepfashion"), ("attnfashion", "default", "fashionai"),
    ("haen", "default", "fashionai"), ("isln", "default", "fashionai"), ("ag_mlan", "paper", "deepfashion"),
    ("ag_mlan", "code", "zappos50k"), ("asen_pp", "code", "darn"), ("rpf", "paper", "fashionai"),
    ("rpf", "code", "deepfashion"), ("ipad", "paper", "fashionai"), ("ipad", "code", "darn"),
    ("image_only", "default", "deepfashion_adde"), ("amnet", "default", "deepfashion_adde"),
    ("adde_m", "code", "deepfashion_adde"), ("adde_m", "default", "deepfashion_adde"),
    ("yao2026", "default", "deepfashion_adde"),
]  # fmt: skip


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Name -> folder of a data set in its released format."""
    return released_layouts(tmp_path_factory.mktemp("released"))


@pytest.fixture
def run(project, released, monkeypatch):
    """Train or load the run of a system at profile `paper`, changed by TINY."""

    def start(method, variant, dataset, **changes):
        monkeypatch.setenv("FASHION_DATA", str(released[dataset]))
        options = {name: changes.pop(name) for name in ("beta", "first_stage") if name in changes}
        profile = PAPER.with_options(**TINY | changes)
        return load_or_train(
            method, dataset=dataset, variant=variant, profile=profile, options=options, progress=False
        )

    return start


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*cannot be trained and gets no MAP")
@pytest.mark.parametrize("system", SYSTEMS, ids=".".join)
def test_a_few_steps_from_end_to_end(system, run):
    made = run(*system)
    config = made.record.config
    assert made.history.step == 2 and made.record.metrics and config["clip"] == 1e9
    assert (config["schedule"], config["optimiser"]) == ("step", "adam")
    assert made.folder.name == "seed0" and f"{system[0]}.{system[1]}+" in str(made.folder)
    staged = system[0] in ("asen_pp", "rpf", "ipad") or system[2] == "deepfashion_adde"
    assert ("stage_1" in config) == staged == (made.folder / FIRST_STAGE / "last.safetensors").is_file()


def test_the_record_names_both_stages_and_the_run_goes_on_from_any_of_them(run, monkeypatch):
    step, done = loop.training_step, []

    def interrupted(parts, number):
        done.append(number)
        if len(done) in (2, 4):  # inside stage 1, then inside stage 2
            raise KeyboardInterrupt
        return step(parts, number)

    monkeypatch.setattr(loop, "training_step", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run("rpf", "paper", "fashionai", steps=2)
    monkeypatch.setattr(loop, "training_step", step)
    made = run("rpf", "paper", "fashionai", steps=2)
    config, first = made.record.config, made.record.config["stage_1"]
    assert (first["learning_rate"], config["learning_rate"]) == (5e-5, 5.5e-5)
    assert (first["flip"], config["flip"]) == (True, False)
    assert (first["decay_every"], config["decay_every"]) == (18_750, 12_500)
    assert first["negative"] == config["negative"] == "value" and "region_rate" not in first
    assert config["learning_rate"] * config["region_rate"] == pytest.approx(1e-5)
    assert config["model_options"] == {"beta": 0.3, "first_stage": 0.0} and made.model.beta == 0.3
    assert RunRecord.load(made.folder / "result.json") == made.record
    again = stored_model(made.record, made.data)
    pictures, attributes = normalise(made.data.pixels[:3]), torch.tensor([0, 1, 2])
    with torch.no_grad():
        assert torch.equal(again.embed(pictures, attributes), made.model.embed(pictures, attributes))


def test_stage_2_starts_from_the_best_weights_of_stage_1(run, monkeypatch):
    started = {}

    def watched(model, data, config, folder, **more):
        started[folder.name] = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        return train(model, data, config, folder, **more)

    train = loop.train
    monkeypatch.setattr("fashion_lib.runs.run.train", watched)
    made = run("ipad", "paper", "fashionai")
    tensors, _ = read_checkpoint(made.folder / FIRST_STAGE / "best.safetensors")
    begun = started["seed0"]
    moved = [name for name, held in begun.items() if not torch.equal(held, started[FIRST_STAGE][name])]
    assert any(name.startswith("region.") for name in moved) and not any(
        name.startswith("patch.") for name in moved
    )
    for name in moved:
        if name.startswith(("region.", "attribute.")):
            assert torch.equal(begun[name], tensors[f"model.{name}"])
    slow = {name: held for name, held in begun.items() if name.startswith("slow.region.parts.")}
    assert len(slow) > 10  # momentum encoders begin as copies
    for name, held in slow.items():
        assert torch.equal(held, begun[name.removeprefix("slow.region.parts.")])
    assert begun["step"] == 0


def test_the_profile_of_a_record_has_the_settings_of_its_system():
    names = {"dataset": "zappos50k", "profile": "paper", "seed": 0, "metrics": {}, "minutes": 0.0}
    assert profile_of(RunRecord("csn", "veit", **names)).image_size == 112
    assert profile_of(RunRecord("csn", "veit+image_size=64", **names)).image_size == 64
    assert profile_of(RunRecord("csn", "code", **names)).batch_size == 48


def test_two_given_settings_never_share_a_folder(run):
    own = run("asen", "v2", "fashionai", steps=1)
    other = run("asen", "v2", "fashionai", steps=1, decay=0.9)
    assert own.folder != other.folder and "decay=0.9" in other.record.variant
    with pytest.raises(FashionError, match="no setting 'learning_rte'"):
        run("asen", "v2", "fashionai", learning_rte=1)

"""The student's ASEN trains as the library's does, at profile smoke with the course's own loop."""

import numpy as np
import pytest
import torch

import fashion_lib as fl
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.exercises.student_asen import LAYERS, StudentRetrieval, copy_weights
from fashion_lib.runs.run_setup import training_config
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.loop import train
from fashion_lib.training.profiles import SMOKE

SETTINGS = SMOKE.with_options(steps=4, image_size=32, wardrobe_images=1_200, batch_size=16)


@pytest.mark.slow
def test_the_students_class_trained_at_smoke_equals_the_librarys(tmp_path):
    exercise = catalogue.find("04.3")
    data = fl.load_dataset("wardrobe", SETTINGS)
    library = fl.build_model("asen", data.schema, backbone=SETTINGS.backbone, start=SETTINGS.start, seed=0)
    start = {name: part.clone() for name, part in library.state_dict().items()}
    mine = StudentRetrieval(exercise.run(exercise.solution), data.schema, SETTINGS.backbone, SETTINGS.start)
    copy_weights(mine.student, library)
    losses = {}
    for name, network in (("library", library), ("mine", mine)):
        config = training_config(SETTINGS, 0).with_options(precision="fp32")
        history = train(network, data, config, tmp_path / name, task=RETRIEVAL, progress=False)
        losses[name] = [entry["loss"] for entry in history.entries]
    assert losses["mine"] == pytest.approx(losses["library"], abs=1e-4)
    moved = (library.state_dict()["spatial.conv.weight"] - start["spatial.conv.weight"]).abs().max()
    assert moved > 1e-5  # it did train
    rows = np.arange(40)
    for a in (0, 3):
        one, other = (embed_images(network, data, rows, [a])[a] for network in (library, mine))
        assert torch.allclose(one, other, atol=1e-3)
    assert fl.evaluate(mine, data, "valid").overall == pytest.approx(
        fl.evaluate(library, data, "valid").overall, abs=1
    )


def test_every_layer_of_the_librarys_asen_is_the_students_to_write():
    schema = fl.Schema((fl.Attribute("a", ("x", "y")),))
    library = fl.build_model("asen", schema)
    named = {name for name, _ in library.named_parameters() if not name.startswith("backbone")}
    assert {name.rpartition(".")[0] for name in named} == set(LAYERS.values())

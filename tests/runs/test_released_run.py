"""A released checkpoint becomes a run like any other, that says it was not trained here; ours leaves as theirs."""

import json

import pytest
import released_files as written
import torch
from released_files import SMALL
from tiny_data import SCHEMA, tiny_data
from tiny_manipulation import SCHEMA as MANIPULATED
from tiny_manipulation import tiny_manipulation

import fashion_lib as fl
from fashion_lib.__main__ import main
from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.methods.released import released_schemas
from fashion_lib.methods.released.authors_file import read_authors_files
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.record import RunRecord, local_records
from fashion_lib.runs.released_export import export_released
from fashion_lib.runs.released_run import load_released
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.stored import lacks_scores, profile_of, stored_model
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.training import loop
from fashion_lib.training.paper_stages import training_stages
from fashion_lib.training.profiles import PAPER, get_profile

DATA = tiny_data(90)
SIZES = PAPER.with_options(backbone="small")
SYSTEMS = {"csn": written.csn, "asen": written.asen_v2}


@pytest.fixture
def file(project, tmp_path):
    path = tmp_path / "model_best.pth.tar"
    torch.save({"state_dict": written.values(written.asen_v2(SCHEMA, SMALL)), "epoch": 12, "prec": 0.5}, path)
    return path


def imported(file, method="asen", **settings):
    return load_released(method, file, DATA, profile=SIZES, **settings)


def test_the_run_is_like_any_other_but_for_what_it_says(file, monkeypatch):
    monkeypatch.setattr(loop, "training_step", None)
    run = imported(file)
    given = torch.load(file, weights_only=True)["state_dict"]
    assert torch.equal(run.model.state_dict()["channel.gate.weight"], given["embeddingnet.fc2.weight"])
    assert run.score("map") == pytest.approx(100 * evaluate(run.model, run.data, split="test").overall)
    assert run.record.variant == "v2+backbone=small+released=model_best_pth"
    assert len(run.search(0, "collar").rows) > 0
    assert len(fl.show.attention(run, [1], ["collar", "hem"]).axes) >= 3
    told = f"imported from {read_authors_files([file]).source}, not trained here"
    assert run.record.start == run.record.config["imported"] == run.model.start == told
    assert run.record.config["epoch"] == 12 and run.record.config["score"] == 0.5
    assert run.record.config["training_image_passes"] == "" and run.history.seconds == 0
    assert local_records() == [run.record]
    of_the_system = training_stages("asen", "v2", DATA.name, SIZES, {})[-1].profile
    assert profile_of(run.record).settings() == of_the_system.settings()
    again = stored_model(run.record, DATA)
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in run.model.state_dict().items())


def test_its_cost_names_no_training(file, monkeypatch):
    monkeypatch.setitem(released_schemas.SCHEMAS, "tiny", SCHEMA)
    run = load_released("asen", file, dataset="tiny", profile=SIZES)
    told = run.cost()
    assert told["parameters"] == run.record.parameters
    assert "not trained here" in told["training"] and "minutes of training and validation" not in told


def test_tables_say_where_it_comes_from(file):
    record = imported(file).record
    assert "not trained here" in run_list.line(record)["start"]
    made = run_list.provenance(run_list.collect_runs("tiny", "paper"))
    assert "not trained here" in made["start"].item()
    assert set(ledger.rows(record)["variant"]) == {record.variant}
    record.save(record_file := imported(file).folder / "result.json")
    assert RunRecord.load(record_file) == record


def test_the_same_file_is_only_loaded_again(file, monkeypatch):
    first = imported(file)
    monkeypatch.setattr("fashion_lib.tasks.retrieval.retrieval_task.evaluate", None)
    assert imported(file).record == first.record


def test_another_file_needs_another_name(file):
    imported(file)
    given = written.values(written.asen_v2(SCHEMA, SMALL), seed=1)
    torch.save({"state_dict": given, "epoch": 1, "prec": 0.1}, file)
    with pytest.raises(FashionError, match="holds a network that was imported from model_best.*another name"):
        imported(file)
    assert imported(file, name="second").record.variant.endswith("released=second")
    with pytest.raises(FashionError, match="'a/b' cannot name a run"):
        imported(file, name="a/b")


def test_other_pictures_of_the_same_name_are_refused(file):
    imported(file)
    with pytest.raises(FashionError, match=r"holds scores on version 1\+\w+ of tiny but 2\+\w+ came"):
        load_released("asen", file, tiny_data(90, edition="2"), profile=SIZES)


def test_without_pictures_there_is_a_model_and_no_score(file, monkeypatch):
    monkeypatch.setitem(released_schemas.SCHEMAS, "tiny", SCHEMA)
    run = load_released("asen", file, dataset="tiny", profile=SIZES)
    assert run.data is None and run.record.metrics == {} and local_records() == []
    with pytest.raises(FashionError, match="None is no data set"):
        run.search(0, "collar")
    vectors = run.model.embed(torch.zeros(2, 3, 64, 64), torch.tensor([0, 2]))
    assert vectors.shape == (2, 128)
    assert load_released("asen", file, dataset="tiny", profile=SIZES).record.config == run.record.config
    assert imported(file).record.metrics  # the pictures came later
    assert export_released(run, file.with_name("back.pth"))


def test_unknown_data_sets_and_other_orders_are_refused(file):
    with pytest.raises(FashionError, match="no data set 'fashoinai' .*did you mean 'fashionai'"):
        load_released("asen", file, dataset="fashoinai", profile=SIZES)
    reordered = Schema(released_schemas.SCHEMAS["fashionai"].attributes[::-1])
    with pytest.raises(FashionError, match="numbers skirt_length"):
        load_released("asen", file, tiny_data(schema=reordered), dataset="fashionai", profile=SIZES)
    with pytest.raises(FashionError, match="is no data set"):
        load_released("asen", file, 3, profile=SIZES)
    with pytest.raises(FashionError, match=r"no data set \[1\]"):
        load_released("rpf", file, dataset=[1], profile=SIZES)
    other = Schema((*SCHEMA.attributes, Attribute("size", ("s", "l"))))
    with pytest.raises(FashionError, match=r"attr_embedding.weight, found \(3, 128\) for \(4, 128\)"):
        load_released("asen", file, tiny_data(schema=other), profile=SIZES)
    assert local_records() == []


@pytest.mark.parametrize("damage", ["missing", "extra", "shape", "system", "cut"])
def test_a_refused_file_leaves_nothing_behind(file, project, damage, capsys):
    given = written.values(written.asen_v2(SCHEMA, SMALL))
    if damage == "missing":
        del given["embeddingnet.conv1.bias"]
    if damage == "extra":
        given["embeddingnet.more"] = torch.zeros(1)
    if damage == "shape":
        given["embeddingnet.conv1.weight"] = torch.zeros(3)
    if damage == "system":
        given = written.values(written.csn(SCHEMA, SMALL))
    torch.save({"state_dict": given}, file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(FashionError) as caught:
        imported(file, variant="v2")
    assert str(caught.value).endswith(".") and ". " not in str(caught.value)
    assert not (project / "runs").exists()


@pytest.mark.parametrize("method", SYSTEMS)
def test_a_trained_run_goes_out_and_comes_back(method, project, tmp_path):
    profile = get_profile("smoke").with_options(steps=2, batch_size=12, groups=2, start="random")
    ours = load_or_train(method, DATA, profile=profile, progress=False)
    (path,) = export_released(ours, tmp_path / "ours.pth")
    content = torch.load(path, weights_only=True)
    assert set(content) == {"state_dict", "epoch", "prec"}
    shapes = {name: tuple(tensor.shape) for name, tensor in content["state_dict"].items()}
    assert shapes == SYSTEMS[method](SCHEMA, SMALL)
    assert content["epoch"] == 0 and content["prec"] == ours.history.best_map
    back = imported(path, method)
    for name, tensor in ours.model.state_dict().items():
        assert torch.equal(tensor, back.model.state_dict()[name]), name
    pictures = torch.randn(2, 3, 32, 32)
    which = torch.tensor([0, 1])
    assert torch.equal(ours.model.eval().embed(pictures, which), back.model.embed(pictures, which))
    (second,) = export_released(back, tmp_path / "again.pth")
    repeated = torch.load(second, weights_only=True)
    assert repeated["epoch"] == 0 and repeated["prec"] == content["prec"]
    assert all(torch.equal(repeated["state_dict"][name], part) for name, part in content["state_dict"].items())
    with pytest.raises(FashionError, match="again.pth is there already"):
        export_released(back, tmp_path / "again.pth")


def test_what_cannot_be_exported_is_named(project, tmp_path):
    profile = get_profile("smoke").with_options(steps=1, batch_size=12, groups=2, start="random")
    run = load_or_train("ag_mlan", DATA, variant="paper", profile=profile, progress=False)
    with pytest.raises(FashionError, match="variant 'paper' of ag_mlan has no checkpoints of its authors here"):
        export_released(run, tmp_path / "a.pth")
    with pytest.raises(FashionError, match="does not end in .pth"):
        export_released(imported_csn(tmp_path), tmp_path / "a.txt")
    with pytest.raises(FashionError, match="no checkpoint"):
        export_released(tmp_path / "nothing", tmp_path / "a.pth")


def imported_csn(tmp_path):
    path = tmp_path / "csn.pth"
    torch.save({"state_dict": written.values(written.csn(SCHEMA, SMALL))}, path)
    return imported(path, "csn")


def test_the_two_files_of_adde_are_one_network(project, tmp_path, monkeypatch):
    monkeypatch.setitem(released_schemas.SCHEMAS, "tiny", SCHEMA)
    shapes = written.adde_m(SCHEMA, "small", 128, 64)
    given = written.values(shapes)
    files = [tmp_path / "model.pth", tmp_path / "memory.pth"]
    torch.save({name: tensor for name, tensor in given.items() if name != "Memory.weight"}, files[0])
    torch.save({"Memory.weight": given["Memory.weight"]}, files[1])
    run = load_released("adde_m", files, dataset="tiny", profile=SIZES)
    assert torch.equal(run.model.memory.weight.cpu(), given["Memory.weight"])
    paths = export_released(run, tmp_path / "ours.pth")
    assert [path.name for path in paths] == ["ours.pth", "ours_memory.pth"]
    parts = [torch.load(path, weights_only=True) for path in paths]
    assert parts[0].keys() | parts[1].keys() == given.keys() and set(parts[1]) == {"Memory.weight"}
    with pytest.raises(FashionError, match="1 missing, first Memory.weight"):
        load_released("adde_m", files[0], dataset="tiny", profile=SIZES)


def test_adde_is_evaluated_on_operations(project, tmp_path):
    shapes = written.adde_m(MANIPULATED, "small", 128, 64)
    torch.save(written.values(shapes), tmp_path / "both.pth")
    run = load_released("adde_m", tmp_path / "both.pth", tiny_manipulation(), profile=SIZES)
    assert local_records() == [run.record] and not lacks_scores(run.record)
    assert 0 <= run.score("top10_acc") <= 100


def test_the_commands_import_and_export(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(released_schemas.SCHEMAS, "tiny", SCHEMA)
    monkeypatch.setattr("fashion_lib.runs.released_run.PAPER", SIZES)
    monkeypatch.setattr("fashion_lib.runs.released_run.paper_backbone", lambda *names: "small")
    assert main(["import-checkpoint", "asen", str(file), "--dataset", "tiny", "--name", "first"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("asen (v2+backbone=small+released=first)") and "not trained here" in printed[0]
    assert printed[1] == "not evaluated: tiny has no pictures here"
    out = tmp_path / "back.pth"
    words = ["export-checkpoint", "asen", str(out), "--dataset", "tiny", "--profile", "paper"]
    assert main([*words, "--variant", "v2+backbone=small+released=first"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    content = torch.load(out, weights_only=True)
    assert content["epoch"] == 12 and content["prec"] == 0.5
    assert main(["import-checkpoint", "haen", str(file)]) == 2
    assert "haen released no checkpoints" in capsys.readouterr().err
    assert main([*words, "--variant", "v9"]) == 2
    assert "v9" in capsys.readouterr().err


@pytest.mark.parametrize(("method", "shapes", "parameters", "label"), [
    ("csn", written.csn, 9_601_088, "prein+released=checkpoint"),
    pytest.param("rpf", written.rpf, 101_837_888, "code+beta=0.3+released=checkpoint", marks=pytest.mark.slow),
])  # fmt: skip
def test_the_papers_size_needs_no_setting(project, tmp_path, method, shapes, parameters, label):
    given = written.values(shapes(released_schemas.SCHEMAS["fashionai"], written.PAPER))
    path = tmp_path / "checkpoint.pth"
    torch.save({"model": given, "epoch": 50, "mAP": 0.6}, path)
    run = fl.load_released(method, path, dataset="fashionai")
    assert run.record.parameters == parameters and run.record.variant == label
    assert run.model.schema.names[3] == "pant_length"
    assert run.folder.is_relative_to(project / "runs" / "fashionai" / "paper")


def test_the_face_has_it(file):
    run = fl.load_released("asen", file, DATA, profile=SIZES)
    assert isinstance(run, fl.Run)
    state = json.loads((run.folder / "best.json").read_text())
    assert state["start"] == run.record.start


@pytest.mark.parametrize(("method", "variant"), [
    ("asen", "v2"), ("csn", "prein"), ("ag_mlan", "code"), ("asen_pp", "code"), ("rpf", "code"), ("ipad", "code"),
    ("adde_m", "code"),
])  # fmt: skip
def test_the_command_exports_the_methods_own_variant_where_it_has_the_authors_names(method, variant, project, capsys):
    assert main(["export-checkpoint", method, "ours.pth", "--profile", "smoke"]) == 2
    said = capsys.readouterr().err
    assert f"{method}.{variant}" in said and said.count("\n") == 1

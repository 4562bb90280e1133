"""A method whose models compute something else than before is another one: its old runs are never taken for new."""

import warnings
from dataclasses import replace

import pytest
import torch
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.methods import registry
from fashion_lib.methods.registry import METHODS, build_model, method
from fashion_lib.runs import ledger
from fashion_lib.runs.record import RECORD_NAME, local_records
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.stored import stored_model
from fashion_lib.training.profiles import SMOKE

PROFILE = SMOKE.with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")


@pytest.fixture
def edition(monkeypatch):
    """Return a function that gives a method another edition for the rest of the test."""
    registry.import_methods()
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))

    def give(name, number):
        registry._registered[name] = replace(registry._registered[name], edition=number)

    return give


def a_run(**changes):
    return load_or_train("csn", tiny_data(90), profile=PROFILE, progress=False, **changes)


def test_the_first_edition_leaves_the_architecture_as_it_always_was(edition):
    for name in METHODS:
        entry = METHODS[name]
        if entry.edition_of(entry.variants[0]) == 1:
            model = build_model(name, SCHEMA, start="random")
            assert list(model.architecture) == ["method", "variant", "backbone", "options"]
    edition("csn", 2)
    assert build_model("csn", SCHEMA, start="random").architecture["edition"] == 2


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2", None])
def test_an_edition_is_a_whole_number_from_one(number, edition):
    with pytest.raises(FashionError, match="editions 1, 2, 3"):
        method("made up", reference="none", edition=number)


def test_variants_have_editions_of_their_own(edition, project):
    edition("asen", {"v1": 2})
    assert "edition" not in build_model("asen", SCHEMA, start="random").architecture
    assert build_model("asen", SCHEMA, variant="v1", start="random").architecture["edition"] == 2
    assert [METHODS["asen"].edition_of(label) for label in ("v1", "v1+steps=2", "v2+steps=2")] == [2, 2, 1]
    for variant in ("v1", "v2"):
        load_or_train("asen", tiny_data(90), profile=PROFILE, variant=variant, progress=False)
    assert len(local_records()) == 2
    edition("asen", {"v1": 3})
    with pytest.warns(UserWarning, match=r"1 runs were made by another edition .*1 of asen \(v1\+"):
        assert [record.variant[:2] for record in local_records()] == ["v2"]
    with pytest.raises(FashionError, match="no variant 'v9' that an edition could be of"):
        method("made up", reference="none", edition={"v9": 2})


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (2, 3)])
def test_a_run_of_another_edition_is_refused_by_every_reader(first, second, edition, project):
    edition("csn", first)
    run = a_run()
    again = a_run()
    assert again.record.created == run.record.created
    assert all(map(torch.equal, again.model.state_dict().values(), run.model.state_dict().values()))
    assert len(local_records()) == 1
    edition("csn", second)
    for read in (a_run, lambda: stored_model(run.record, run.data)):
        with pytest.raises(FashionError, match=f"edition {first} of csn .* now has edition {second}.*delete"):
            read()
    with pytest.warns(UserWarning, match=r"1 runs were made by another edition .*1 of csn"):
        assert local_records() == []
    with pytest.warns(UserWarning, match="another edition"):
        assert ledger.collect("tiny", "smoke").empty


def test_an_unfinished_run_of_another_edition_does_not_go_on(edition, project):
    folder = a_run().folder
    (folder / RECORD_NAME).unlink()
    edition("csn", 2)
    with pytest.raises(FashionError, match="edition 1 of csn"):
        a_run()


def test_a_record_of_another_edition_beside_new_weights_is_refused(edition, project):
    folder = a_run().folder
    old = (folder / RECORD_NAME).read_text()
    for file in folder.iterdir():
        file.unlink()
    edition("csn", 2)
    a_run()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(local_records()) == 1
    (folder / RECORD_NAME).write_text(old)
    with pytest.raises(FashionError, match="record of another edition of csn"):
        a_run()


def test_a_reranked_run_has_the_edition_of_its_base(edition, project):
    record = a_run().record
    reranked = replace(record, method="csn+fr")
    reranked.save(project / "runs" / "tiny" / "smoke" / f"csn+fr.{record.variant}" / "seed0" / RECORD_NAME)
    assert {found.method for found in local_records()} == {"csn", "csn+fr"}
    edition("csn", 2)
    with pytest.warns(UserWarning, match="2 runs"):
        assert local_records() == []

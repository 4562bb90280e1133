"""Both stages of profile `paper` trained by two processes, on small data in the released formats (gloo, CPU)."""

import numpy as np
import pytest
from kill_and_resume import Killed, kill_after
from ranked_paper_run import STEPS, SYSTEMS, paper_run
from ranks_by_torchrun import started, told
from released_layouts import released_layouts

from fashion_lib.parts.collectives import ENDED
from fashion_lib.runs.run import FIRST_STAGE

SCRIPT = "tests/ranked_paper_run.py"
BROKEN = "rpf"  # of which a rank is killed; the other systems run to their end
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*cannot be trained and gets no MAP"),
    pytest.mark.xdist_group("paper_ranks"),  # the runs are made once
]


@pytest.fixture(scope="module", autouse=True)
def released(tmp_path_factory):
    """A folder with all data sets, as FASHION_DATA."""
    top = tmp_path_factory.mktemp("released")
    released_layouts(top)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASHION_DATA", str(top))
        yield top


@pytest.fixture(scope="module")
def alone(released, tmp_path_factory):
    """Name -> its run by one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASHION_RUNS", str(tmp_path_factory.mktemp("alone")))
        return {name: paper_run(name) for name in SYSTEMS}


@pytest.fixture(scope="module")
def together(released, tmp_path_factory):
    """The folder of runs of two processes, which trained every system to its end."""
    runs = tmp_path_factory.mktemp("together")
    done = started(SCRIPT, ",".join(name for name in SYSTEMS if name != BROKEN), runs=runs)
    assert done.returncode == 0 and told(done) == [], done.stderr
    return runs


def check_equal(run, one_process):
    """Compare losses, weights and settings.

    Sums in another order change a gradient that should be zero, and Adam makes of any gradient a step of the learning
    rate. So a weight may differ by two learning rates per step, and losses of later steps differ (of IPAD by 6e-5 in
    stage 2). tests/training/test_ranks.py has equality to 1e-5, with a learning rate of 1e-5.
    """
    losses, expected = ([entry["loss"] for entry in one.history.entries] for one in (run, one_process))
    assert len(losses) == STEPS and losses == pytest.approx(expected, rel=2e-4)
    config = one_process.record.config
    assert run.record.config == config | {"processes": 2}
    stages = 1 + ("stage_1" in config)
    rate = max(one["learning_rate"] for one in (config, config.get("stage_1", config)))
    found, wanted = (
        np.concatenate([weight.detach().numpy().ravel() for weight in one.model.parameters()])
        for one in (run, one_process)
    )
    difference = np.abs(found - wanted)
    assert difference.max() <= 2 * rate * STEPS * stages and difference.mean() <= 0.1 * rate
    if "map" in run.record.metrics:
        assert run.score() == pytest.approx(one_process.score(), abs=1.0)


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != BROKEN])
def test_two_processes_train_all_stages_as_one_does(name, alone, together, monkeypatch):
    monkeypatch.setenv("FASHION_RUNS", str(together))
    run = paper_run(name)
    assert (run.folder / FIRST_STAGE / "last.safetensors").is_file() and "stage_1" in run.record.config
    check_equal(run, alone[name])


def test_a_rank_is_killed_in_stage_1_one_process_goes_on_and_two_end_stage_2(alone, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path))
    ended = started(SCRIPT, BROKEN, "1", "2", runs=tmp_path)  # rank 1, at its second step
    assert ended.returncode != 0 and told(ended) == [f"error: {ENDED}"], ended.stderr
    assert [path.parent.name for path in tmp_path.rglob("last.safetensors")] == [FIRST_STAGE]
    with monkeypatch.context() as patch:
        kill_after(patch, STEPS)  # two steps of stage 1 and one of stage 2 are left to it
        with pytest.raises(Killed):
            paper_run(BROKEN)
    assert len(list(tmp_path.rglob("last.safetensors"))) == 2 and not list(tmp_path.rglob("result.json"))
    done = started(SCRIPT, BROKEN, runs=tmp_path)
    assert done.returncode == 0 and told(done) == [], done.stderr
    check_equal(paper_run(BROKEN), alone[BROKEN])

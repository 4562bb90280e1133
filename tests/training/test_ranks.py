"""Several processes that share each batch compute what one process computes, and end together."""

import numpy as np
import pytest
import torch
from kill_and_resume import weights
from ranked_tiny_run import tiny_run
from ranks_by_torchrun import started, told
from ranks_in_processes import (
    BF16_STEPS,
    CASES,
    IN_BF16,
    ONE_MORE,
    STEPS,
    fp16_steps,
    in_processes,
    own_losses,
    pieces,
    ten_steps,
)

from fashion_lib.core.errors import FashionError
from fashion_lib.parts import collectives
from fashion_lib.parts.collectives import ENDED, own_rows
from fashion_lib.parts.shared_batch import gather_rows, shared_out
from fashion_lib.training.ranks import equalise, first, launched, of_first

CLOSE = 1e-5
pytestmark = pytest.mark.xdist_group("ranks")  # what the ranks found is made once


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Number of ranks -> what each of them found."""
    return in_processes((2, 4), tmp_path_factory.mktemp("ranks"))


@pytest.fixture(scope="module")
def alone():
    return {case: ten_steps(case) for case in CASES}


def largest_difference(one, other):
    """Of tensors by name, or of figures by name."""
    assert one.keys() == other.keys()
    return max(
        float(np.abs(np.asarray(one[name], float) - np.asarray(other[name], float)).max()) for name in one
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "count"),
    [(case, count) for case in CASES for count in (2, 4) if count == 2 or case not in ONE_MORE],
)
def test_ranks_compute_the_loss_the_gradients_and_ten_steps_of_one_process(case, count, alone, together):
    expected, found = alone[case], together[count][0][case]
    assert len(found["figures"]) == STEPS
    assert largest_difference(expected["gradients"], found["gradients"]) <= CLOSE
    assert max(g.abs().max() for g in expected["gradients"].values()) > 100 * CLOSE
    for one, other in zip(expected["figures"], found["figures"], strict=True):
        assert largest_difference(one, other) <= CLOSE


@pytest.mark.slow
@pytest.mark.parametrize("case", ["ipad", "ipad.code"])
def test_the_cases_of_ipad_reach_full_queues_and_both_stages(case, alone):
    figures = alone[case]["figures"]
    assert "patch" not in figures[0] and figures[-1]["patch"] > 0
    assert figures[-1]["centres region"] > 0 and figures[-1]["centres patch"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_queues_hold_the_same_images_in_the_same_order(count, alone, together):
    for case in ("ipad", "ipad.code")[: 4 // count]:
        expected, found = (one[case]["state"] for one in (alone, together[count][0]))
        names = [name for name in expected if name.endswith((".images", ".pairs", ".oldest"))]
        assert len(names) == 6 and all(torch.equal(expected[name], found[name]) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_all_ranks_end_with_the_same_bits(case, together):
    for ranks in [ranks for ranks in together.values() if case in ranks[0]]:
        state = ranks[0][case]["state"]
        assert all(torch.equal(state[name], one[case]["state"][name]) for one in ranks for name in state)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_normalisation_dropout_and_gathering_do_not_depend_on_the_number_of_ranks(count, together):
    expected = pieces()
    own = expected.pop("y of own statistics")
    for found in (one["pieces"] for one in together[count]):
        assert (found.pop("y of own statistics") - own).abs().max() > 0.1  # what sharing prevents
        assert largest_difference(expected, found) <= CLOSE
        assert torch.equal(expected["y"] == 0, found["y"] == 0)  # the same masks
        assert torch.equal(expected["next draw"], found["next draw"])


@pytest.fixture(scope="module")
def alone_in_fp16():
    return fp16_steps()


@pytest.mark.slow
def test_in_fp16_every_rank_leaves_out_the_same_steps_as_one_process(alone_in_fp16, together):
    """A step is left out although one rank alone computed the row whose gradient overflowed."""
    scales = [figures["loss_scale"] for figures in alone_in_fp16["figures"]]
    assert scales == [65_536.0] * 6 + [32_768.0] * 2
    assert alone_in_fp16["moved"] == [True] * 5 + [False] + [True] * 2
    for found in (one["fp16"] for ranks in together.values() for one in ranks):
        assert found["moved"] == alone_in_fp16["moved"]
        assert [figures["loss_scale"] for figures in found["figures"]] == scales
        assert found["scaler"] == alone_in_fp16["scaler"]


@pytest.mark.slow
def test_in_fp16_ranks_compute_the_steps_of_one_process(alone_in_fp16, together):
    """Sums over ranks are taken in float32, so the rounding is that of float16 at a row's own gradient."""
    for ranks in together.values():
        for one, other in zip(alone_in_fp16["figures"], ranks[0]["fp16"]["figures"], strict=True):
            assert largest_difference(one, other) <= 1e-3
        first = ranks[0]["fp16"]["state"]
        assert all(torch.equal(first[name], one["fp16"]["state"][name]) for one in ranks for name in first)
        assert (
            largest_difference(alone_in_fp16["state"], first) <= 2 * 7 * 1e-3
        )  # Adam: seven steps of the rate


@pytest.mark.slow
@pytest.mark.parametrize(("count", "case"), IN_BF16)
def test_in_bf16_ranks_compute_the_steps_of_one_process_up_to_its_rounding(count, case, together):
    expected, found = ten_steps(case, "bf16", BF16_STEPS), together[count][0][f"{case} in bf16"]
    for one, other in zip(expected["figures"], found["figures"], strict=True):
        assert abs(one["loss"] - other["loss"]) <= 4 * 2**-8  # four spacings of bfloat16 below 1
    of_one, of_other = (
        torch.cat([gradient.flatten() for gradient in one["gradients"].values()]) for one in (expected, found)
    )
    assert expected["gradients"].keys() == found["gradients"].keys()
    assert torch.nn.functional.cosine_similarity(of_one, of_other, dim=0) > 0.95  # 0.98 was seen
    states = [one[f"{case} in bf16"]["state"] for one in together[count]]
    assert all(torch.equal(states[0][name], state[name]) for state in states for name in state)


@pytest.mark.slow
def test_the_gradient_is_that_of_the_mean_of_the_ranks_losses(together):
    assert torch.equal(own_losses(), torch.ones(5, 2))
    assert torch.equal(together[2][0]["own losses"], torch.full((5, 2), 1.5))
    assert torch.equal(together[4][3]["own losses"], torch.full((5, 2), 2.5))


def test_ranks_share_all_rows_in_order(monkeypatch):
    for count, ranks in ((14, 4), (8, 8), (5, 1), (9, 2)):
        monkeypatch.setattr(collectives, "ranks", lambda ranks=ranks: ranks)
        rows = [own_rows(count, of) for of in range(ranks)]
        assert [row for part in rows for row in range(count)[part]] == list(range(count))
        sizes = [part.stop - part.start for part in rows]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] - sizes[-1] <= 1
    monkeypatch.setattr(collectives, "ranks", lambda: 4)
    with pytest.raises(FashionError, match="^A batch of 3 rows cannot be shared by 4 processes: start fewer"):
        own_rows(3, 0)


def test_one_process_gets_back_what_it_gave(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    x = torch.randn(3, 2)
    model = torch.nn.Linear(2, 2)
    with launched():
        assert first() and of_first(lambda: 7) == 7
        assert gather_rows(x, 3) is x and shared_out(lambda *whole: whole, x, (x, None)) == (x, (x, None))
        equalise(model)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASHION_RUNS", str(tmp_path_factory.mktemp("unbroken")))
        return tiny_run()


def check_equal(run, unbroken):
    losses, expected = ([entry["loss"] for entry in one.history.entries] for one in (run, unbroken))
    assert len(losses) == 8 and np.abs(np.subtract(losses, expected)).max() <= CLOSE
    assert run.history.best_step == unbroken.history.best_step
    assert run.score() == pytest.approx(unbroken.score(), abs=1e-3)
    assert largest_difference(weights(run.model), weights(unbroken.model)) <= 1e-4


@pytest.mark.slow
def test_a_killed_rank_0_ends_the_job_with_one_sentence_and_one_process_goes_on(
    unbroken, tmp_path, monkeypatch
):
    """Rank 1 is killed in tests/runs/test_paper_ranks.py, and two processes go on where one was killed."""
    result = started("tests/ranked_tiny_run.py", "0", "5", runs=tmp_path)
    assert result.returncode != 0 and told(result) == [f"error: {ENDED}"], result.stderr
    assert "MAP" not in result.stdout
    assert len(list(tmp_path.rglob("last.safetensors"))) == 1 and not list(tmp_path.rglob("result.json"))
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path))
    check_equal(tiny_run(), unbroken)


@pytest.mark.slow
def test_a_wrong_name_is_told_once(tmp_path):
    result = started("-m", "fashion_lib", "train", "assen", runs=tmp_path)
    (sentence,) = told(result)
    assert result.returncode != 0 and "asen" in sentence and ENDED not in sentence

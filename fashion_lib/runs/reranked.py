"""Feature reasoning on top of a finished run: trained on held-out labels, recorded as `<method>+fr`."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.provenance import commit, hardware, versions
from fashion_lib.core.typed import check_type, shortened
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.runs.record import (
    RECORD_NAME,
    RERANKED,
    RunRecord,
    edition_setting,
    measured_attributes,
    now,
    run_dir,
    selected_by,
)
from fashion_lib.runs.run import Run
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.tasks.retrieval.embedding import embed_wanted
from fashion_lib.tasks.retrieval.evaluation import Evaluation, evaluate
from fashion_lib.tasks.retrieval.reranking import LENGTH, FeatureReasoning, Reranker, train_reasoning
from fashion_lib.training.checkpoint import (
    check_fit,
    damaged,
    digest,
    model_tensors,
    read_checkpoint,
    write_checkpoint,
)

FILE = "reranker.safetensors"


@dataclass(frozen=True)
class ReasoningConfig:
    """Hold the settings of feature reasoning (FR).

    Attributes:
        samples: held-out training samples per attribute.
        length: the paper's n_r, the query and the candidates that are re-ranked.
        nodes, rounds, rho: see `FeatureReasoning`.
        steps, queries, learning_rate: see `train_reasoning`.
        seed: decides samples and queries.
    """

    samples: int = 300
    length: int = LENGTH
    nodes: int = 12
    rounds: int = 3
    rho: float = 0.3
    steps: int = 300
    queries: int = 4
    learning_rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class RerankedRun:
    """Hold a run with its trained reranker.

    Attributes:
        losses: one per step of the reranker's training.
        valid: scores of the validation split "before" and "after" re-ranking.
        used: False when re-ranking did not raise the overall validation MAP; the record then holds the scores
            without it.
    """

    run: Run
    reranker: Reranker
    record: RunRecord
    losses: list[float]
    valid: dict[str, Evaluation]
    used: bool

    @property
    def rerank(self) -> Reranker | None:
        """Return the `rerank` argument of `evaluate` and `score_attribute`: the reranker if it is used, else None."""
        return self.reranker if self.used else None


def held_out(data, attribute: int, count: int, seed: int = 0, labels: str = "one") -> tuple[np.ndarray, np.ndarray]:
    """Return up to `count` training samples of an attribute whose labels training did not use.

    With one label per image these are the pictures' other labels. Where training uses every label there are none
    left, and its own samples are taken (as the paper does on FashionAI).

    Args:
        data: RetrievalData.
        attribute: id of the attribute.
        count: the largest number of samples.
        seed: decides which ones.
        labels: which labels of a picture training used, "one" or "all".

    Returns:
        Image rows and value ids, int64 (samples,) each, chosen from `seed`.
    """
    known, used = (data.encoded("train", labels=which).of(attribute) for which in ("all", labels))
    spare = ~np.isin(known.image, used.image)
    rows = np.flatnonzero(spare) if spare.any() else np.arange(len(known))
    chosen = np.sort(np.random.default_rng([seed, attribute]).permutation(rows)[:count])
    return known.image[chosen], known.value[chosen]


def load_or_rerank(run: Run, config: ReasoningConfig | None = None) -> RerankedRun:
    """Load the re-ranked form of a run when runs/ holds it, else train (seconds) and score it.

    The record's method is the run's with "+fr", so that ledgers and tables tell them apart.

    Args:
        run: of a retrieval method.
        config: None is the default with the run's seed.

    Raises:
        FashionError: the stored reranker is damaged, or of another configuration or run.
    """
    config, base = config or ReasoningConfig(seed=run.record.seed), run.record
    folder = run_dir(base.dataset, base.profile, base.method + RERANKED, base.variant, base.seed)
    with run_lock(folder):
        return _loaded(run, config, folder) if (folder / RECORD_NAME).exists() else _reranked(run, config, folder)


def _reranked(run: Run, config: ReasoningConfig, folder: Path) -> RerankedRun:
    started, base = time.perf_counter(), run.record
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        reasoning = FeatureReasoning(config.nodes, config.rounds, config.rho)
    learning = {name: getattr(config, name) for name in ("steps", "queries", "length", "learning_rate", "seed")}
    losses = train_reasoning(reasoning, _pools(run, config), **learning)
    reranker = Reranker(reasoning, config.length)
    valid = {"before": _scores(run, "valid", None), "after": _scores(run, "valid", reranker)}
    used = valid["after"].overall > valid["before"].overall
    record = replace(
        base,
        method=base.method + RERANKED,
        metrics=_scores(run, "test", reranker if used else None).percent()
        | selected_by(max(scores.overall for scores in valid.values())),
        localisation={},  # the run's own: re-ranking looks at no picture
        minutes=base.minutes + (time.perf_counter() - started) / 60,
        parameters=base.parameters + parameter_count(reasoning),
        config=base.config | {"reasoning": asdict(config) | {"used": used}, "base_commit": base.commit},
        commit=commit(),
        versions=versions(),
        hardware=hardware(),
        created=now(),
    )
    told = {"losses": losses, "valid": {name: asdict(scores) for name, scores in valid.items()}, "used": used}
    told |= {"config": asdict(config), "run": _name_of(run)}
    write_checkpoint(folder / FILE, reasoning.state_dict(), told)
    record.save(folder / RECORD_NAME)
    return RerankedRun(run, reranker, record, losses, valid, used)


def _scores(run: Run, split: str, reranker: Reranker | None) -> Evaluation:
    scored = measured_attributes(run.record, run.data.schema)
    return evaluate(
        run.model, run.data, split=split, precision=run.history.precision, attributes=scored, rerank=reranker
    )


def _pools(run: Run, config: ReasoningConfig) -> list[tuple[Tensor, Tensor]]:
    data, labels = run.data, run.record.config.get("labels", "one")
    scored = measured_attributes(run.record, data.schema)
    samples = {a: held_out(data, a, config.samples, config.seed, labels) for a in scored}
    wanted = {a: rows for a, (rows, _) in samples.items()}
    embedded = embed_wanted(run.model, data, wanted, precision=run.history.precision)
    return [(embedded[a], torch.from_numpy(values)) for a, (_, values) in samples.items()]


@dataclass
class _Told:
    """Hold the state of a reranker's file. `run` is made by `_name_of`; earlier files lack it, or its weights."""

    config: dict[str, int | float]
    losses: list[float]
    valid: dict[str, Evaluation]
    used: bool
    run: dict[str, str | int] | None = None


def _name_of(run: Run) -> dict[str, str | int]:
    """Return which weights a reranker was trained on: the run's name, its data, its best step and their digest."""
    named = {name: getattr(run.record, name) for name in ("dataset", "profile", "method", "variant", "seed")}
    named |= {"data_version": run.data.version, "best_step": run.history.best_step}
    named["weights"] = digest({name: tensor.detach().cpu() for name, tensor in model_tensors(run.model).items()}, "")
    return named | edition_setting(run.model)


def _loaded(run: Run, config: ReasoningConfig, folder: Path) -> RerankedRun:
    path = folder / FILE
    tensors, state = read_checkpoint(path)
    try:
        check_type(state, _Told)
        told = _Told(**state)
        if set(told.valid) != {"before", "after"}:
            raise ValueError(f"valid holds {', '.join(sorted(told.valid)) or 'nothing'}")
        valid = {name: Evaluation(**scores) for name, scores in told.valid.items()}
    except (TypeError, ValueError) as error:
        raise damaged(path, f"in its state, {error}") from error
    if told.config != asdict(config):
        raise FashionError(
            f"{folder} holds a reranker of another configuration ({shortened(told.config, 200)}): delete that folder "
            "to train anew."
        )
    own = _name_of(run)
    if told.run is not None and {"weights": own["weights"]} | told.run != own:  # earlier files lack this digest
        raise FashionError(
            f"{path} holds the reranker of another run ({shortened(told.run, 200)}): delete that folder to train anew."
        )
    reasoning = FeatureReasoning(config.nodes, config.rounds, config.rho).eval()
    check_fit(reasoning.state_dict(), tensors, path)
    reasoning.load_state_dict(tensors)
    record = RunRecord.load(folder / RECORD_NAME)
    return RerankedRun(run, Reranker(reasoning, config.length), record, told.losses, valid, told.used)

"""Feature reasoning on top of a finished run: trained on held-out labels, recorded as `<method>+fr`."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.runs.run import Run
from fashion_lib.tasks.retrieval.evaluation import Evaluation, embed_wanted, evaluate
from fashion_lib.tasks.retrieval.reranking import LENGTH, FeatureReasoning, Reranker, train_reasoning
from fashion_lib.training.checkpoint import read_checkpoint, write_checkpoint

SUFFIX, FILE = "+fr", "reranker.safetensors"


@dataclass(frozen=True)
class ReasoningConfig:
    """How FR is made. samples: held-out training samples an attribute; length: n_r; the rest: see FeatureReasoning and
    train_reasoning. seed decides samples and queries."""

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
    """A run with its reranker, as trained. valid: scores of the validation split "before" it and "after" it.

    used: False when it did not raise the overall validation MAP; the record then holds the scores without it.
    """

    run: Run
    reranker: Reranker
    record: RunRecord
    losses: list[float]
    valid: dict[str, Evaluation]
    used: bool

    @property
    def rerank(self) -> Reranker | None:
        """What `evaluate` and `score_attribute` take as `rerank`: the reranker where it is used, else None."""
        return self.reranker if self.used else None


def held_out(data, attribute: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Up to `count` training samples of an attribute whose label training did not use: image rows and values, int64.

    With one label an image these are the pictures' other labels. Where training uses every label there are none left,
    and its own samples are taken (as the paper does on FashionAI).
    """
    known, used = (data.encoded("train", labels=labels).of(attribute) for labels in ("all", "one"))
    spare = ~np.isin(known.image, used.image)
    rows = np.flatnonzero(spare) if spare.any() else np.arange(len(known))
    chosen = np.sort(np.random.default_rng([seed, attribute]).permutation(rows)[:count])
    return known.image[chosen], known.value[chosen]


def load_or_rerank(run: Run, config: ReasoningConfig | None = None) -> RerankedRun:
    """The re-ranked form of a run: loaded when runs/ holds it, else trained (seconds) and scored.

    The record's method is the run's with "+fr", so that ledgers and tables tell them apart. FashionError for a stored
    reranker of another configuration.
    """
    config = config or ReasoningConfig(seed=run.record.seed)
    base = run.record
    folder = run_dir(base.dataset, base.profile, base.method + SUFFIX, base.variant, base.seed)
    if (folder / RECORD_NAME).exists():
        return _loaded(run, config, folder)
    started = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        reasoning = FeatureReasoning(config.nodes, config.rounds, config.rho)
    learning = {name: getattr(config, name) for name in ("steps", "queries", "length", "learning_rate", "seed")}
    losses = train_reasoning(reasoning, _pools(run, config), **learning)
    reranker = Reranker(reasoning, config.length)
    valid = {"before": _scores(run, "valid", None), "after": _scores(run, "valid", reranker)}
    used = valid["after"].overall > valid["before"].overall
    record = replace(
        base,
        method=base.method + SUFFIX,
        metrics=_scores(run, "test", reranker if used else None).percent(),
        localisation={},  # the run's own: re-ranking looks at no picture
        minutes=base.minutes + (time.perf_counter() - started) / 60,
        parameters=base.parameters + parameter_count(reasoning),
        config=base.config | {"reasoning": asdict(config) | {"used": used}},
    )
    told = {"losses": losses, "valid": {name: asdict(scores) for name, scores in valid.items()}, "used": used}
    write_checkpoint(folder / FILE, reasoning.state_dict(), {"config": asdict(config)} | told)
    record.save(folder / RECORD_NAME)
    return RerankedRun(run, reranker, record, losses, valid, used)


def _scores(run: Run, split: str, reranker: Reranker | None) -> Evaluation:
    return evaluate(run.model, run.data, split=split, precision=run.history.precision, rerank=reranker)


def _pools(run: Run, config: ReasoningConfig) -> list[tuple[Tensor, Tensor]]:
    data = run.data
    samples = {a: held_out(data, a, config.samples, config.seed) for a in range(len(data.schema))}
    wanted = {a: rows for a, (rows, _) in samples.items()}
    embedded = embed_wanted(run.model, data, wanted, precision=run.history.precision)
    return [(embedded[a], torch.from_numpy(values)) for a, (_, values) in samples.items()]


def _loaded(run: Run, config: ReasoningConfig, folder: Path) -> RerankedRun:
    tensors, state = read_checkpoint(folder / FILE)
    if state.get("config") != asdict(config):
        raise FashionError(
            f"{folder} holds a reranker of another configuration ({state.get('config')}): delete that folder to train "
            "anew."
        )
    reasoning = FeatureReasoning(config.nodes, config.rounds, config.rho).eval()
    reasoning.load_state_dict(tensors)
    valid = {name: Evaluation(**scores) for name, scores in state["valid"].items()}
    record = RunRecord.load(folder / RECORD_NAME)
    return RerankedRun(run, Reranker(reasoning, config.length), record, state["losses"], valid, state["used"])

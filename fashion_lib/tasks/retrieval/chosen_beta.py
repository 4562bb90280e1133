"""Beta of a two-branch model, chosen on the validation split, the test scores that it gives, and the whole curves.

IPAD prints one beta, 0.4 (section 4.3.4); the released configurations of RPF and IPAD set one per data set. Here every
method with two branches gets its beta by the same rule, so that no method's weight was tuned and another's was not.
"""

from collections.abc import Collection

from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.two_branch import TwoBranchModel
from fashion_lib.tasks.retrieval.branch_weights import (
    BETAS,
    embed_parts,
    score_betas,
    scores_by_beta,
    wanted_rows,
)
from fashion_lib.tasks.retrieval.embedding import checked_attributes
from fashion_lib.tasks.retrieval.evaluation import averaged
from fashion_lib.tasks.retrieval.ranking import ranking_device

CHOSEN_BETA, SCORES = "chosen_beta", "map_at_chosen_beta"
CURVES = {"valid": "validation_at_beta", "test": "map_at_beta"}  # split -> metric
METRICS = (CHOSEN_BETA, SCORES, *CURVES.values())


def scores(
    model: RetrievalModel, data, *, precision: str = "fp32", attributes: Collection[int] | None = None
) -> dict[str, dict[str, float]]:
    """Choose beta on the validation split and score the test split with it.

    Args:
        model: any model of retrieval; its own beta plays no part.
        data: RetrievalData with pictures of the size that the model reads.
        precision: "fp32", "bf16" or "fp16", for the backbone.
        attributes: ids of the attributes that count; None takes all.

    Returns:
        Metric -> name -> value; {} for a model without two branches.
        "chosen_beta": "overall" -> the value of BETAS with the highest overall validation MAP; 1 for weights of the
        first stage, which use the region branch alone.
        "map_at_chosen_beta": attribute or average -> test MAP in percent.
        "validation_at_beta", "map_at_beta": a beta, such as "0.4" -> overall MAP in percent (IPAD, figure 6).

    Raises:
        FashionError: for an attribute that is no id of the schema.
    """
    if not isinstance(model, TwoBranchModel) or len(model.branches) < 2:
        return {}
    ids = None if attributes is None else checked_attributes(data.schema, attributes)
    curves, parts, device = {}, {}, ranking_device(model)
    for split in CURVES:
        wanted = {a: rows for a, rows in wanted_rows(data, split).items() if ids is None or a in ids}
        parts[split] = embed_parts(model, data, wanted, precision=precision)
        curves[split] = score_betas(parts[split], data, BETAS, split, device=device)["overall"]
    beta = 1.0 if model.in_first_stage else float(curves["valid"].idxmax())
    # The parts of the model's own embedding: the same scores as `evaluate` with this beta, without another pass.
    ((_, scored),) = scores_by_beta(parts["test"], data, [beta], "test", device=device)
    tested = averaged(scored, "map", data.schema)
    chosen = {CHOSEN_BETA: {"overall": beta}, SCORES: {name: 100 * share for name, share in tested.items()}}
    return chosen | {
        metric: {str(beta): float(score) for beta, score in curves[split].items()} for split, metric in CURVES.items()
    }

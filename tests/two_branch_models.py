"""Small two-branch models, pictures and batches that the tests of ASEN++, RPF and IPAD share."""

import torch
from tiny_data import SCHEMA

from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import build_model
from fashion_lib.training.config import TrainingConfig

PICTURES = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
ATTRIBUTES = torch.tensor([0, 1, 2, 1])


def model_of(method, variant=None, **options):
    return build_model(method, SCHEMA, variant=variant, start="random", **options).eval()


def labels_of(listed=False):
    rows = torch.arange(4)
    triplets = torch.tensor([[0, 1, 2]]) if listed else None
    return BatchLabels(rows, rows, torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 0]), triplets)


def config(**changes):
    settings = {"steps": 8, "batch_size": 12, "groups": 2, "evaluations": 2, "precision": "fp32", "device": "cpu",
                "checkpoint_every": 3}  # fmt: skip
    return TrainingConfig(**(settings | changes))

"""Eval mode for a while: what each module's mode is inside and after."""

import pytest
from torch import nn

from fashion_lib.parts.eval_mode import in_eval_mode


def test_each_module_gets_its_own_mode_back_also_after_an_error():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(), nn.Linear(2, 2)))
    model[0].eval()  # frozen on purpose
    before = [module.training for module in model.modules()]
    assert True in before and False in before
    with pytest.raises(RuntimeError, match="stopped"), in_eval_mode(model):
        assert not any(module.training for module in model.modules())
        raise RuntimeError("stopped")
    assert [module.training for module in model.modules()] == before

"""The authors' names: every tensor of a released checkpoint has one place in our model, and the other way round."""

import pytest
import released_files as written
import torch
from released_files import PAPER, SMALL
from tiny_data import SCHEMA

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.methods.released.fitting import imported
from fashion_lib.methods.released.name_table import exported, matched, renamed
from fashion_lib.methods.released.released_schemas import SCHEMAS, check_order
from fashion_lib.methods.released.released_systems import RELEASED, TABLES, likely_variant, table_of

FASHIONAI = SCHEMAS["fashionai"]
SYSTEMS = {
    ("asen", "v1"): written.asen_v1,
    ("asen", "v2"): written.asen_v2,
    ("csn", "prein"): written.csn,
    ("ag_mlan", "code"): written.ag_man,
    ("asen_pp", "code"): written.asen_pp,
    ("rpf", "code"): written.rpf,
    ("ipad", "code"): written.ipad,
}
# Parameters for eight attributes, FashionAI's; buffers of batch norms are no parameters.
PARAMETERS = {
    ("asen", "v1"): 11_704_897,
    ("asen", "v2"): 10_910_784,
    ("csn", "prein"): 9_601_088,
    ("ag_mlan", "code"): 26_420_909,
    ("asen_pp", "code"): 20_984_064,
    ("rpf", "code"): 101_837_888,
    ("ipad", "code"): 116_115_063 - 1_025,  # without the adapter, which has no name in the lists and is never used
}
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def small_model(method, variant, schema=SCHEMA, seed=0, vit="tiny"):
    vit = {"vit": vit} if method in ("rpf", "ipad") else {}
    return build_model(method, schema, backbone="small", variant=variant, start="random", seed=seed, **vit)


def shapes_of(tensors):
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize("system", SYSTEMS, ids=".".join)
def test_at_the_papers_size_the_names_and_shapes_are_those_of_the_authors_files(system):
    with torch.device("meta"):
        model = build_model(system[0], FASHIONAI, backbone="resnet50", variant=system[1], start="random")
    expected = SYSTEMS[system](FASHIONAI, PAPER)
    assert shapes_of(exported(table_of(*system), model.state_dict())) == expected
    parameters = sum(torch.Size(shape).numel() for name, shape in expected.items() if not name.endswith(BUFFERS))
    twice = 8 * 512 if system[0] == "asen_pp" else 0  # the shared embedding
    assert parameters - twice == PARAMETERS[system]


@pytest.mark.parametrize(("backbone", "wide", "count"), [("alexnet", 4096, 69_240_494), ("resnet18", 512, 13_664_686)])
def test_adde_has_both_its_backbones(backbone, wide, count):
    with torch.device("meta"):
        model = build_model("adde_m", FASHIONAI, backbone=backbone, variant="code", start="random")
    expected = written.adde_m(FASHIONAI, backbone, wide, 340)
    assert shapes_of(exported(table_of("adde_m", "code"), model.state_dict())) == expected
    assert sum(torch.Size(shape).numel() for k, shape in expected.items() if not k.endswith(BUFFERS)) == count


@pytest.mark.parametrize("system", SYSTEMS, ids=".".join)
def test_a_file_of_names_and_shapes_alone_fills_the_whole_model(system):
    given = written.values(SYSTEMS[system](SCHEMA, SMALL))
    model, table = small_model(*system), table_of(*system)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = imported(table, given, own, "a.pth")
    left = own.keys() - found.keys()
    assert all(any(matched(pattern, name) for pattern in table.own) for name in left)
    never_used = ("unused.adapter.weight", "unused.adapter.bias", "loss_weights.p")  # IPAD's layer, AG-MAN's constants
    assert left.isdisjoint(name for name, _ in model.named_parameters() if name not in never_used)
    model.load_state_dict(own | found)
    back = exported(table, model.state_dict())
    assert back.keys() == given.keys()
    assert all(torch.equal(back[name], given[name]) for name in given)


@pytest.mark.parametrize("system", SYSTEMS, ids=".".join)
def test_export_and_import_give_the_same_bits(system):
    first, second = (small_model(*system, seed=seed, vit="hybrid") for seed in (0, 1))  # the laptop's networks
    table = table_of(*system)
    given, own = exported(table, first.state_dict()), second.state_dict()
    second.load_state_dict(own | imported(table, given, own, "a.pth"))
    kept = {name for name in first.state_dict() if any(matched(pattern, name) for pattern in table.own)}
    same = {name: torch.equal(one, second.state_dict()[name]) for name, one in first.state_dict().items()}
    assert all(same[name] for name in same.keys() - kept)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.system)
def test_no_name_matches_two_rules(table):
    for side in ("ours", "theirs"):
        patterns = [p for rule in table.rules for p in ([rule.ours] if side == "ours" else rule.patterns)]
        examples = [pattern.replace("*", "weight").replace("#", "3") for pattern in patterns]
        for name in examples:
            assert sum(matched(pattern, name) is not None for pattern in patterns) == 1, name
    for rule in table.rules:
        for theirs in rule.patterns:
            name = rule.ours.replace("*", "weight").replace("#", "11")
            assert renamed(renamed(name, rule.ours, theirs), theirs, rule.ours) == name


def test_every_released_variant_exists():
    for method, tables in RELEASED.items():
        assert set(tables) <= set(METHODS[method].variants)


def test_the_version_of_asen_is_read_from_the_names():
    assert likely_variant("asen", list(written.asen_v1(SCHEMA, SMALL))) == "v1"
    assert likely_variant("asen", list(written.asen_v2(SCHEMA, SMALL))) == "v2"
    assert likely_variant("csn", list(written.csn(SCHEMA, SMALL))) == "prein"


def test_transposed_tables_and_stacked_tensors_come_out_right():
    given = written.values(written.asen_v1(SCHEMA, SMALL))
    found = imported(table_of("asen", "v1"), given, small_model("asen", "v1").state_dict(), "a.pth")
    assert torch.equal(found["attribute.weight"][1], given["embeddingnet.mask_fc1.weight"][:, 1])
    given = written.values(written.rpf(SCHEMA, SMALL))
    found = imported(table_of("rpf", "code"), given, small_model("rpf", "code").state_dict(), "a.pth")
    stacked = found["patch.tokens.encoder.layers.encoder_layer_2.self_attention.in_proj_weight"].chunk(3)
    for part, side in zip(stacked, ("query", "key", "value"), strict=True):
        assert torch.equal(part, given[f"choices.local.basenet.encoder.layer.2.attn.{side}.weight"])


def asen_file():
    return written.values(written.asen_v2(SCHEMA, SMALL))


def refused(given, system=("asen", "v2"), schema=SCHEMA):
    with pytest.raises(FashionError) as caught:
        imported(table_of(*system), given, small_model(*system, schema).state_dict(), "a.pth", TABLES)
    assert str(caught.value).count(". ") == 0 and str(caught.value).endswith(".")
    return str(caught.value)


def test_a_missing_and_an_unknown_tensor_are_named_and_counted():
    given = asen_file()
    del given["embeddingnet.fc2.bias"], given["embeddingnet.attr_embedding.weight"]
    given["embeddingnet.fc9.weight"] = torch.zeros(2)
    text = refused(given)
    assert "2 missing, first embeddingnet.attr_embedding.weight" in text
    assert "1 not expected, first embeddingnet.fc9.weight" in text


def test_another_shape_or_type_is_named():
    given = asen_file()
    given["embeddingnet.fc2.weight"] = torch.zeros(7, 128)
    assert "1 of another shape or type, first embeddingnet.fc2.weight, found (7, 128) for (128, 128)" in refused(given)
    given = asen_file()
    given["embeddingnet.fc1.weight"] = given["embeddingnet.fc1.weight"].t()
    assert "embeddingnet.fc1.weight, found (256, 128) for (128, 256)" in refused(given)
    given = asen_file()
    given["embeddingnet.fc1.bias"] = torch.zeros(128, dtype=torch.int64)
    assert "found torch.int64 for torch.float32" in refused(given)


def test_a_network_for_other_attributes_does_not_fit():
    text = refused(written.values(written.asen_v2(FASHIONAI, SMALL)))
    assert "embeddingnet.attr_embedding.weight, found (8, 128) for (3, 128)" in text


@pytest.mark.parametrize("other", [key for key in SYSTEMS if key != ("asen", "v2")], ids=".".join)
def test_the_file_of_another_system_is_recognised(other):
    text = refused(written.values(SYSTEMS[other](SCHEMA, SMALL)))
    assert f"its names are those of {table_of(*other).system}" in text


def test_what_the_authors_never_use_is_left_out_knowingly():
    own, table = small_model("asen", "v2").state_dict(), table_of("asen", "v2")
    given = asen_file() | {"embeddingnet.backbonenet.fc.weight": torch.zeros(1000, 2048)}
    given = {name: tensor for name, tensor in given.items() if not name.endswith("num_batches_tracked")}
    found = imported(table, given, own, "a.pth")  # old files have no counters
    assert {name for name in own if name not in found} == {name for name in own if name.endswith("num_batches_tracked")}
    assert "not expected" in refused(given | {"embeddingnet.backbonenet.layer4.0.conv1.weight": torch.zeros(2)})


def test_the_shared_embedding_must_be_the_same_both_times():
    given = written.values(written.asen_pp(SCHEMA, SMALL))
    copy, first = (f"choices.{side}.attrnet.attr_embedding.weight" for side in ("local", "global"))
    text = refused(given | {copy: given[first] + 1}, ("asen_pp", "code"))
    assert f"1 unlike the tensor that it repeats, first {copy}" in text


def test_value_parts_of_ipad_may_lie_below_another_module():
    given = written.values(written.ipad(SCHEMA, SMALL))
    deeper = {f"choices.global.{k}" if k.startswith(("vmlp", "vembed")) else k: v for k, v in given.items()}
    own, table = small_model("ipad", "code").state_dict(), table_of("ipad", "code")
    assert imported(table, deeper, own, "a.pth").keys() == imported(table, given, own, "a.pth").keys()


def test_only_the_authors_code_has_names():
    with pytest.raises(FashionError, match="variant 'paper' of rpf has no checkpoints of its authors here"):
        table_of("rpf", "paper")
    with pytest.raises(FashionError, match="authors of haen released no checkpoints"):
        table_of("haen", "default")
    model = build_model("asen", SCHEMA, backbone="small", start="random")
    model.extra = torch.nn.Linear(2, 2)
    with pytest.raises(FashionError, match="extra.weight has no name in a checkpoint of ASEN v2"):
        exported(table_of("asen", "v2"), model.state_dict())


def test_schemas_have_the_sizes_of_the_authors_lists():
    sizes = {name: [len(attribute.values) for attribute in schema] for name, schema in SCHEMAS.items()}
    assert sizes["fashionai"] == [6, 9, 8, 6, 5, 5, 10, 5]
    assert sum(sizes["fashionai"]) == 54 and sum(sizes["darn"]) == 185 and sum(sizes["deepfashion"]) == 1000
    assert sizes["deepfashion_adde"] == [37, 81, 84]


def test_attributes_in_another_order_are_refused():
    from fashion_lib.core.schema import Schema

    check_order(FASHIONAI, "fashionai")
    check_order(SCHEMA, "my_pictures")
    with pytest.raises(FashionError, match="numbers skirt_length, sleeve_length"):
        check_order(Schema(FASHIONAI.attributes[::-1]), "fashionai")

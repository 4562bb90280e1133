"""A loaded file computes what the authors' code computes with it: equations over the authors' own names.

Each function below reads an authors' checkpoint by its names and follows their code, on the map that our backbone gives
(torchvision's layers keep their names). Paired modules, such as fc1 and fc2, would show here if they were swapped.
"""

import pytest
import released_files as written
import torch
import torch.nn.functional as F
from released_files import SMALL
from tiny_data import SCHEMA

from fashion_lib.methods.registry import build_model
from fashion_lib.methods.released.authors_file import AuthorsFile
from fashion_lib.runs.released_run import fill

ATTRIBUTES = torch.tensor([0, 2, 1, 2])


class Names:
    """An authors' checkpoint below a prefix: layers by name."""

    def __init__(self, tensors, prefix):
        self.tensors, self.prefix = tensors, prefix

    def __getitem__(self, name):
        return self.tensors[self.prefix + name]

    def linear(self, name, x):
        return F.linear(x, self[f"{name}.weight"], self[f"{name}.bias"])

    def conv(self, name, x, **options):
        bias = self.tensors.get(f"{self.prefix}{name}.bias")
        return F.conv2d(x, self[f"{name}.weight"], bias, **options)

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self[f"{name}.weight"], self[f"{name}.bias"], 1e-6)

    def map_norm(self, name, x):
        return self.norm(name, x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def batch_norm(self, name, x):
        parts = (self[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts, training=False, eps=1e-5)

    def mlp(self, name, x, activation):
        return self.linear(f"{name}.fc2", activation(self.linear(f"{name}.fc1", x)))


def attention(scores):
    return scores.flatten(1).softmax(1).view_as(scores)


def attended(weights, image_map):
    return (weights[:, None] * image_map).sum((2, 3))


def scaled_scores(keys, query):
    return (keys * query[:, :, None, None]).sum(1) / keys.shape[1] ** 0.5


def gated(net, vector, attribute):
    joined = torch.cat([vector, attribute], 1)
    return torch.sigmoid(net.linear("fc2", net.linear("fc1", joined).relu()))


def drawn(method, shapes, variant="code", **options):
    """A model with an authors' checkpoint in it, the checkpoint, and pictures."""
    given = written.values(shapes)
    model = build_model(method, SCHEMA, backbone="small", variant=variant, start="random", **options)
    fill(model, AuthorsFile(given, None, None, "a.pth, sha256 0"))
    return model.eval(), given, torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def same(found, expected):
    scale = expected.abs().max()
    assert scale > 0
    assert ((found - expected).abs().max() / scale).item() < 1e-5


@torch.no_grad()
def test_csn():
    model, given, pictures = drawn("csn", written.csn(SCHEMA, SMALL), "learned")
    net = Names(given, "embeddingnet.")
    pooled = model.backbone(pictures).mean((2, 3))
    same(model.embed(pictures, ATTRIBUTES),
         F.normalize(net.linear("embed_fc", pooled) * net["masks.weight"][ATTRIBUTES].relu()))


@torch.no_grad()
def test_asen_v1():
    model, given, pictures = drawn("asen", written.asen_v1(SCHEMA, SMALL), "v1")
    net, image_map = Names(given, "embeddingnet."), model.backbone(pictures)
    one_hot = F.one_hot(ATTRIBUTES, 3).float()
    query = F.linear(one_hot, net["mask_fc1.weight"]).tanh()
    keys = net.conv("conv1", image_map).tanh()
    weights = attention(net.conv("conv2", keys * query[:, :, None, None]).tanh()[:, 0])
    same(model.attend(model.features(pictures), ATTRIBUTES).maps["spatial"], weights)
    vector = attended(weights, image_map)
    vector = vector * gated(net, vector, F.linear(one_hot, net["mask_fc2.weight"]).relu())
    same(model.embed(pictures, ATTRIBUTES), F.normalize(net.linear("feature_fc", vector)))


@torch.no_grad()
def test_asen_v2():
    model, given, pictures = drawn("asen", written.asen_v2(SCHEMA, SMALL), "v2")
    net, image_map = Names(given, "embeddingnet."), model.backbone(pictures)
    attribute = net["attr_embedding.weight"][ATTRIBUTES]
    keys = net.batch_norm("img_bn1", net.conv("conv1", image_map)).tanh()
    weights = attention(scaled_scores(keys, net.linear("attr_transform1", attribute).tanh()))
    same(model.attend(model.features(pictures), ATTRIBUTES).maps["spatial"], weights)
    vector = attended(weights, image_map)
    gate = gated(net, vector, net.linear("attr_transform2", attribute).relu())
    same(model.embed(pictures, ATTRIBUTES), F.normalize(vector * gate))


@torch.no_grad()
def test_ag_man():
    model, given, pictures = drawn("ag_mlan", written.ag_man(SCHEMA, SMALL))
    net = Names(given, "embeddingnet.")
    second, third = model.backbone.stages(pictures)
    stride = second.shape[2] // third.shape[2]
    summed = third + net.conv("backbonenet.conv1_1", F.max_pool2d(second, 3, stride, 1))
    reduced = net.conv("conv1", net["w"] * torch.cat([third, summed], 1))
    attribute = net["attr_embedding.weight"][ATTRIBUTES]
    keys = net.batch_norm("img_bn1", reduced).tanh()
    weights = attention(scaled_scores(keys, F.silu(net.linear("attr_transform1", attribute))))
    same(model.attend(model.features(pictures), ATTRIBUTES).maps["spatial"], weights)
    found = reduced * (net["w1"] * weights)[:, None]
    spread = torch.stack([found.mean(1), found.amax(1)], 1)
    found = found * torch.sigmoid(net.conv("sa.conv1", spread, padding=3))
    vector = found.sum((2, 3))
    gate = net["w2"] * gated(net, vector, F.silu(net.linear("attr_transform2", attribute)))
    mask = net["masks.weight"][ATTRIBUTES].relu()
    same(model.embed(pictures, ATTRIBUTES), F.normalize(vector * gate * mask))
    logits = net.linear("backbonenet.fc_embed", model.branch1.stage4(summed).mean((2, 3)))
    same(model.branch1(summed), logits)


def asen_branch(net, attribute, image_map):
    inner = Names(net.tensors, f"{net.prefix}attnnet.")
    keys, query = inner.conv("conv", image_map).tanh(), inner.linear("attr_transform1", attribute).tanh()
    weights = attention(scaled_scores(keys, query))
    vector = attended(weights, image_map)
    gate = gated(inner, vector, inner.linear("attr_transform2", attribute).relu())
    return weights, inner.linear("feature_fc", vector * gate)


@torch.no_grad()
def test_asen_pp():
    model, given, pictures = drawn("asen_pp", written.asen_pp(SCHEMA, SMALL))
    for side, branch in (("global", model.region), ("local", model.patch)):
        net = Names(given, f"choices.{side}.")
        attribute = net["attrnet.attr_embedding.weight"][ATTRIBUTES]
        found = branch(branch.features(pictures), model.attribute(ATTRIBUTES))
        weights, vector = asen_branch(net, attribute, branch.backbone(pictures))
        same(found.aim, weights)
        same(found.vector, vector)


def region_end(net, vector):
    return net.norm("mlp_layer_norm", vector + net.mlp("mlp", net.norm("mlp_layer_norm", vector), F.relu))


def background(weights):
    return (1 - weights) / (1 - weights).sum((1, 2), keepdim=True)


@torch.no_grad()
def test_rpf_region():
    model, given, pictures = drawn("rpf", written.rpf(SCHEMA, SMALL), vit="tiny")
    net, image_map = Names(given, "choices.global.attnnet."), model.region.backbone(pictures)
    embedded = given["choices.global.attrnet.attr_embedding.weight"][ATTRIBUTES]
    normed, attribute = net.map_norm("x_layer_norm", image_map), net.norm("a_layer_norm", embedded)
    query = net.linear("attr_transform1", attribute).tanh()
    weights = attention(scaled_scores(net.conv("conv", normed).tanh(), query))
    found = model.locate(model.region.features(pictures), ATTRIBUTES)
    same(found.aim, weights)
    same(found.vector, region_end(net, net.linear("feature_fc", attended(weights, normed))))
    same(found.background, region_end(net, attended(background(weights), normed)))


def heads(query, key, value, count):
    query, key, value = (part.unflatten(-1, (count, -1)).transpose(1, 2) for part in (query, key, value))
    weights = (query @ key.transpose(2, 3) / key.shape[-1] ** 0.5).softmax(-1)
    return (weights @ value).transpose(1, 2).flatten(2)


def crossed(net, tokens, query, count):
    tokens, query = (net.norm("cross_attention_norm", part) for part in (tokens, query))
    parts = (net.linear("cross_attn.query", query), *(net.linear(f"cross_attn.{n}", tokens) for n in ("key", "value")))
    vector = net.linear("fc", net.linear("cross_attn.out", heads(*parts, count)[:, 0]))
    return vector + net.mlp("ffn", net.norm("ffn_norm", vector), F.gelu)


@torch.no_grad()
@pytest.mark.parametrize("method", ["rpf", "ipad"])
def test_patch_branch(method):
    model, given, crops = drawn(method, getattr(written, method)(SCHEMA, SMALL), vit="tiny")
    net, count = Names(given, "choices.local.basenet."), 4
    patches = net.conv("embeddings.patch_embeddings", crops, stride=8).flatten(2).transpose(1, 2)
    tokens = torch.cat([net["embeddings.cls_token"].expand(4, -1, -1), patches], 1)
    tokens = tokens + net["embeddings.position_embeddings"]
    for number in range(4):
        block = Names(given, f"{net.prefix}encoder.layer.{number}.")
        normed = block.norm("attention_norm", tokens)
        parts = (block.linear(f"attn.{part}", normed) for part in ("query", "key", "value"))
        tokens = tokens + block.linear("attn.out", heads(*parts, count))
        tokens = tokens + block.mlp("ffn", block.norm("ffn_norm", tokens), F.gelu)
    embedded = given["choices.global.attrnet.attr_embedding.weight"][ATTRIBUTES]
    query = net.linear("attr2query", embedded)[:, None] + net["type_embed"][0, 0]
    answer = crossed(Names(given, f"{net.prefix}crossencoder."), tokens[:, 1:] + net["type_embed"][0, 1], query, count)
    same(model.describe(crops, ATTRIBUTES)[0], net.norm("norm", answer))


@torch.no_grad()
def test_ipad_region_and_values():
    model, given, pictures = drawn("ipad", written.ipad(SCHEMA, SMALL), vit="tiny")
    net, image_map = Names(given, "choices.global.attnnet."), model.region.backbone(pictures)
    embedded = given["choices.global.attrnet.attr_embedding.weight"][ATTRIBUTES]
    normed, attribute = net.map_norm("x_layer_norm", image_map), net.norm("a_layer_norm", embedded)
    query = net.linear("attr_transform1", attribute).tanh()
    scores = (net.conv("conv", normed).tanh() * query[:, :, None, None]).sum(1)
    scores = torch.where(scores <= 0.95 * scores.amax((1, 2), keepdim=True), scores, 0)
    weights = attention(scores / query.shape[1] ** 0.5)
    side = net.linear("attr_transform2", attribute).relu()
    ends = []
    for one in (weights, background(weights)):
        vector = attended(one, normed)
        ends.append(region_end(net, net.linear("feature_fc", vector * gated(net, vector, side))))
    found = model.locate(model.region.features(pictures), ATTRIBUTES)
    same(found.aim, weights)
    same(found.vector, ends[0])
    same(found.background, ends[1])
    values = Names(given, "vmlp.")
    hidden = values.linear("fc2_layers.1", values.linear("fc1_layers.1", ends[0]).relu()).relu()
    same(model.values.heads[1](ends[0]), values.linear("output_layers.1", hidden))


@torch.no_grad()
def test_adde_m():
    model, given, pictures = drawn("adde_m", written.adde_m(SCHEMA, "small", 128, 64))
    net, pooled = Names(given, ""), model.trunk.backbone(pictures).mean((2, 3))
    parts = [net.linear(f"dis_proj.{k}.2", net.linear(f"dis_proj.{k}.0", pooled).relu()) for k in range(3)]
    represented = model.represent(model.features(pictures))
    same(represented, torch.cat(parts, 1))
    logits = [net.linear(f"attr_classifier.{k}.0", part) for k, part in enumerate(parts)]
    same(model.logits(represented), torch.cat(logits, 1))
    change = torch.zeros(4, 7).scatter(1, torch.tensor([[0], [3], [5], [6]]), 1.0)
    same(model.manipulate(represented, change), represented + change @ given["Memory.weight"].t())

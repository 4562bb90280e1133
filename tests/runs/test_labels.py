"""A label's names and values are known and typed before anything is created or deleted."""

import pytest

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs import stored
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.ledger import read_ledger
from fashion_lib.runs.record import RunRecord, run_dir, variant_label
from fashion_lib.runs.stored import labelled_run, profile_of
from fashion_lib.training.profiles import get_profile
from fashion_lib.workflow.plan import PlannedRun, planned_runs

SMOKE, LAPTOP = get_profile("smoke"), get_profile("laptop")


def test_a_label_is_taken_apart_by_kind():
    label = "default+attributes=a-b+changes=2+label_smoothing=0+learning_rate=1+loss=plain"
    found = checked_label("yao2026", label, SMOKE)
    assert (found.variant, found.attributes, found.changes) == ("default", ["a", "b"], 2)
    assert found.options == {"label_smoothing": 0, "loss": "plain"} and found.profile.learning_rate == 1
    plain = checked_label("asen", "v2", SMOKE)
    assert (plain.profile, plain.options, plain.attributes, plain.changes) == (SMOKE, {}, None, 1)


def test_a_timm_backbone_has_a_label_that_can_be_a_folder():
    label = variant_label("v2", backbone="timm:resnet18.a1_in1k", start="random")
    assert label == "v2+backbone=timm=resnet18.a1_in1k+start=random"
    assert checked_label("asen", label, SMOKE).profile.backbone == "timm:resnet18.a1_in1k"
    assert run_dir("wardrobe", "smoke", "asen", label, 0).parent.name == f"asen.{label}"


def test_a_network_is_chosen_by_its_name():
    assert checked_label("rpf", "paper+vit=tiny", SMOKE).options == {"vit": "tiny"}
    label = "code+local_backbone=resnet18+start=random"
    assert checked_label("asen_pp", label, SMOKE).options == {"local_backbone": "resnet18"}
    with pytest.raises(FashionError, match="Unknown ViT '3': choose one of tiny"):
        checked_label("rpf", "paper+vit=3", SMOKE)


@pytest.mark.slow
def test_every_label_of_the_committed_ledger_is_known():
    table = read_ledger()[["method", "variant"]].drop_duplicates()
    for method, variant in table.itertuples(index=False, name=None):
        found = checked_label(method.removesuffix("+fr"), variant, LAPTOP)
        assert found.variant in METHODS[method.removesuffix("+fr")].variants


BAD = [
    ("asen", label)
    for label in (
        *("v3", "", "..", "v2+", "v2+x", "v2+=1", "v2++", "v2+spatial", "v2+spatial=False+spatial=True"),
        "v2+nothing=1",
        *("v2+spatial=0", "v2+spatial=banana", "v2+spatial=None", "v2+channel=[]", "v2+spatial=/etc", "v2+version=two"),
        *("v2+steps=abc", "v2+steps=1.5", "v2+steps=True", "v2+steps=0", "v2+steps=-1", "v2+steps=1e999", "v2+steps="),
        *("v2+image_size=large", "v2+image_size=0", "v2+wardrobe_images=-5", "v2+wardrobe_images=2.0"),
        *("v2+start=nowhere", "v2+start=3", "v2+backbone=resnet999", "v2+backbone=None", "v2+learning_rate=fast"),
        *("v2+name=mine", "v2+optimiser=sgd", "v2+batch_size=[1]", "v2+changes=1", "v2+attributes=a", "v2+../../x=1"),
        *("v2+steps=" + "(" * 150, "v2+steps=" + "9" * 150, "v2+margin=9" + "9" * 150, "x" * 300),
    )
] + [
    ("yao2026", label)
    for label in (
        *("default+changes=0", "default+changes=two", "default+changes=1.0", "default+attributes=3"),
        "default+loss=best",
        *("default+attention=yes", "default+dim=0.5", "default+dim=wide", "default+label_smoothing=2"),
        "default+gate_norm=1",
    )
]


@pytest.mark.parametrize(("method", "label"), BAD)
def test_what_is_not_known_or_of_another_type_is_one_sentence(method, label, project, monkeypatch):
    monkeypatch.setattr(stored, "load_or_train", None)
    with pytest.raises(FashionError) as caught:
        labelled_run(method, label, profile=SMOKE, seed=0)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700
    assert [path.name for path in project.iterdir()] == ["notebooks"]


@pytest.mark.parametrize("options", ["attention=0", "loss=best", "steps=abc", "image_size=0", "start=nowhere", "x=1"])
def test_a_planned_run_with_a_wrong_value_is_refused_before_any_folder_is_deleted(options, project):
    folder = run_dir("wardrobe_manipulation", "smoke", "yao2026", f"default+{options}", 0)
    folder.mkdir(parents=True)
    with pytest.raises(FashionError):
        planned_runs(f"yao2026.default+{options}", "0", "wardrobe", "smoke")
    assert folder.is_dir()


@pytest.mark.parametrize("dataset", ["..", "../..", "a/b", "/tmp", ""])
def test_a_planned_run_has_its_folder_below_runs_or_none(dataset, project):
    with pytest.raises(FashionError, match="which is no data set"):
        planned_runs("asen", "0", dataset, "smoke")
    with pytest.raises(FashionError, match="the data set .* cannot be the name of a folder"):
        _ = PlannedRun(dataset, "asen", "v2", "smoke", 0).folder
    assert not paths.runs_dir().exists()


@pytest.mark.parametrize(
    ("profile", "variant"), [("huge", "v2"), ("smoke", "v2+steps=abc"), ("smoke", "v2+image_size=0")]
)
def test_a_record_that_names_no_profile_is_one_sentence(profile, variant, project):
    record = RunRecord("asen", variant, "wardrobe", profile, 0, {"map": {"overall": 1.0}}, 1.0)
    with pytest.raises(FashionError, match="huge|v2"):
        profile_of(record)


@pytest.mark.parametrize("option", ["isa=false", "linear=false", "unused_parts=0", "passes=three", "passes=2.5",
                                    "value_weight=much", "queue_length=long", "ticks=True"])  # fmt: skip
def test_options_that_ipad_hands_to_its_parts_are_typed_too(option):
    """`isa=false` is a text, and a text that is not empty would leave ISA on."""
    with pytest.raises(FashionError, match=option.partition("=")[0]):
        checked_label("ipad", f"paper+{option}", SMOKE)


def test_every_option_of_ipads_variants_has_a_type():
    from fashion_lib.methods.ipad.model import IPAD
    from fashion_lib.methods.ipad.variants import DIVERGING, OWN, POSITIONING

    assert {*OWN, *POSITIONING, *DIVERGING} <= set(IPAD.handed_on)

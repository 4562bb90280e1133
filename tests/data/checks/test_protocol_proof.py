"""The proof without pictures: exact against every order, and near the printed rows with the released counts."""

import hashlib
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from check_layouts import FASHIONAI, fashionai_lists, lines, write

from fashion_lib.data.checks.asen_rows import relevance_counts
from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.checks.listings import Around, Listing, released_facts
from fashion_lib.data.checks.protocol_proof import Proof, prove
from fashion_lib.papers.published import published
from fashion_lib.tasks.retrieval.metrics import average_precision, random_average_precision

FACTS = released_facts()


def listing(rows, name):
    return Listing(name, None, "ASEN evaluation", rows=rows, lines=list(range(1, len(rows) + 1)))


def mean_over_orders(query, candidates):
    """The mean AP over all orders of a query's candidates, as a fraction."""
    scores = []
    for order in set(permutations([row[2] == query[2] for row in candidates if row[1] == query[1]])):
        hits = [rank for rank, relevant in enumerate(order, start=1) if relevant]
        scores.append(sum(Fraction(n, rank) for n, rank in enumerate(hits, start=1)) / max(1, len(hits)))
    return sum(scores) / len(scores)  # each distinct order stands for equally many permutations


def test_the_proof_is_the_mean_over_all_orders_of_the_candidates():
    candidates = [(0, 0, 1), (1, 0, 1), (2, 0, 3), (3, 0, 0), (4, 0, 1), (5, 1, 2), (6, 1, 2), (7, 1, 0)]
    queries = [(8, 0, 1), (9, 0, 3), (10, 0, 5), (11, 1, 2), (12, 1, 0)]
    around = Around("fashionai")
    proof = prove(
        listing(queries, "query_test.txt"),
        listing(candidates, "candidate_test.txt"),
        around,
        random_average_precision,
    )
    exact = [mean_over_orders(query, candidates) for query in queries]
    assert proof.overall == pytest.approx(100 * float(sum(exact) / 5), rel=1e-12)
    assert proof.found[0] == pytest.approx(100 * float(sum(exact[:3]) / 3), rel=1e-12)
    assert proof.found[1] == pytest.approx(100 * float(sum(exact[3:]) / 2), rel=1e-12)
    assert np.isnan(proof.found[2:]).all() and not proof.equal
    assert exact[2] == 0  # a query without a relevant candidate


def test_an_attribute_without_candidates_scores_0():
    proof = prove(
        listing([(0, 0, 1)], "query_test.txt"),
        listing([(1, 1, 1)], "candidate_test.txt"),
        Around("darn"),
        random_average_precision,
    )
    assert proof.found[0] == proof.overall == 0


def shares(numbers, total):
    """`total` shared out in the proportions of `numbers`, largest remainders first."""
    exact = np.array(numbers) * total / sum(numbers)
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact)[: total - counts.sum()]] += 1
    return counts


@pytest.fixture(scope="module")
def released_counts():
    """Test lists with the released numbers of queries and candidates; values in the proportions of all 180,335 rows."""
    facts = FACTS["fashionai"]
    rows = {"query": [], "candidate": []}
    image = 0
    for role in ("candidate", "query"):
        numbers = facts["splits"]["test"][
            {"query": "queries", "candidate": "candidates"}[role] + "_per_attribute"
        ]
        for attribute, (name, total) in enumerate(zip(facts["attributes"], numbers, strict=True)):
            for value, count in enumerate(shares(facts["total"]["rows_per_value"][name], total)):
                for _ in range(count):
                    rows[role].append((image, attribute, value))
                    image += 1
    assert (len(rows["query"]), len(rows["candidate"])) == (3_600, 14_400)
    return rows


def test_with_the_released_counts_the_printed_random_row_comes_out(released_counts):
    queries, candidates = (
        listing(released_counts[role], f"{role}_test.txt") for role in ("query", "candidate")
    )
    proof = prove(queries, candidates, Around("fashionai"), random_average_precision)
    printed = (
        published(source="ipad", dataset="fashionai", method="random", metric="map")
        .set_index("attribute")
        .value
    )
    # The values of single splits are not published, so that the numbers of an attribute are near.
    assert proof.overall == pytest.approx(printed["overall"], abs=0.1)
    assert [*proof.found] == pytest.approx(list(printed[list(FASHIONAI)]), rel=0.03)
    weights = FACTS["fashionai"]["splits"]["test"]["queries_per_attribute"]
    assert proof.overall == pytest.approx(np.average(proof.found, weights=weights), rel=1e-12)


def test_the_proof_agrees_with_shuffled_candidates(released_counts):
    """The mean AP of random orders, by the library's own metric, within its sampling error."""
    counts = relevance_counts(*(listing(released_counts[role], role) for role in ("query", "candidate")), 8)
    rng = np.random.default_rng(0)
    relevant, total = counts[6][0][:400], counts[6][1]
    order = rng.permuted(np.arange(total) < relevant[:, None], axis=1)
    scores = average_precision(order)
    expected = random_average_precision(relevant, total)
    assert abs(scores.mean() - expected.mean()) < 4 * scores.std() / np.sqrt(len(scores))


def test_the_printed_rows_are_the_known_ones():
    """FashionAI and DeepFashion equal the released lists' numbers; DARN's printed row does not."""
    for dataset, attribute, overall in (
        ("fashionai", 8, 15.79),
        ("deepfashion", 5, 3.38),
        ("darn", 9, 31.26),
    ):
        facts = FACTS[dataset]["splits"]["test"]
        printed = list(published(source="ipad", dataset=dataset, method="random", metric="map").value)
        assert len(facts["random_map"]) == attribute and facts["random_map_overall"] == overall
        mean = np.average(facts["random_map"], weights=facts["queries_per_attribute"])
        assert mean == pytest.approx(overall, abs=0.006)  # the printed overall number is a mean over queries
        distance = np.abs(np.array(printed) - [*facts["random_map"], overall]).max()
        assert distance < 0.015 if dataset != "darn" else distance > 3


@pytest.mark.parametrize(("found", "equal"), [((17.204, 12.497), True), ((17.22, 12.5), False)])
def test_numbers_are_equal_to_two_decimals(found, equal):
    assert Proof("test", ("a", "b"), found, 15.0, (17.2, 12.5, 15.0)).equal is equal


def test_lists_that_are_not_released_are_told_apart_by_number_and_checksum(tmp_path):
    write("fashionai lists", tmp_path)
    done = examine_folder("fashionai", tmp_path, random_average_precision, pictures="none")
    assert [proof.split for proof in done.proofs] == ["test", "valid"]
    assert len(done.released) == 8 and not any(done.released.values())
    whats = [finding.what for finding in done.findings]
    assert any(
        "a random order's expected MAP is" in what and "15.79 with the released" in what for what in whats
    )
    assert any("checksum" in what for what in whats)


def test_a_checksum_ignores_line_ends(tmp_path, monkeypatch):
    """Git and unzip change line ends: the text's SHA-256 and git's SHA-1 recognise a list all the same."""
    rows = ["0 0 1", "1 1 2"]
    released = lines(rows, "\r\n")
    facts = {
        "folder": "FashionAI",
        "attributes": FASHIONAI,
        "splits": {"train": {}, "valid": {}, "test": {}},
        "lists": {
            "query_test.txt": {"sha256_text": hashlib.sha256(lines(rows)).hexdigest()},
            "label_train.txt": {
                "git_blob": hashlib.sha1(b"blob %d\0" % len(released) + released).hexdigest()
            },
        },
        "total": {},
    }
    monkeypatch.setattr("fashion_lib.data.checks.listings.released_facts", lambda: {"fashionai": facts})
    for name, content in fashionai_lists().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for content in (released, lines(rows), lines(rows, "\r\n", False), lines(["0 0 1  ", "1 1 2"])):
        (tmp_path / "FashionAI/query_test.txt").write_bytes(content)
        (tmp_path / "FashionAI/label_train.txt").write_bytes(content if b"  " not in content else released)
        done = examine_folder("fashionai", tmp_path, random_average_precision, pictures="none")
        assert done.released == {"FashionAI/label_train.txt": True, "FashionAI/query_test.txt": True}
    (tmp_path / "FashionAI/query_test.txt").write_bytes(lines(["0 0 1", "1 1 3"]))
    done = examine_folder("fashionai", tmp_path, random_average_precision, pictures="none")
    assert not done.released["FashionAI/query_test.txt"]

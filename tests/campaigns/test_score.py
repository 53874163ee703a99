from __future__ import annotations

from collections.abc import Sequence

import pytest
from bench.campaigns.score import last_of_each, score, together


@pytest.mark.parametrize(
    ("labels", "groups", "precision", "recall"),
    [
        pytest.param("aab", "112", 1.0, 1.0, id="as it is"),
        pytest.param("aabb", "1111", 0.5, 1.0, id="two campaigns in one group"),
        pytest.param("aabb", "1234", 1.0, 0.5, id="each for itself"),
        # Of a's three alerts two are in a group of three: (2/3 + 2/3 + 1)/3 and (2/3 + 2/3 + 1/3)/3.
        pytest.param("aaa-", "1121", 7 / 9, 5 / 9, id="split, with noise in a part"),
        # Two of a and two of noise: 2/4 twice. Noise elsewhere changes nothing.
        pytest.param("aa----", "111123", 0.5, 1.0, id="noise inside"),
        # The larger campaign counts for more: (3 * 1 + 1 * 1/2) / 4.
        pytest.param("aaab-", "11122", 7 / 8, 1.0, id="averaged over alerts, not campaigns"),
        pytest.param("---", "111", 1.0, 1.0, id="no campaign at all"),
    ],
)
def test_b_cubed_is_of_the_alerts_of_campaigns(labels: str, groups: str, precision: float, recall: float) -> None:
    found = score(told(labels), groups)
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)
    assert found.f1 == pytest.approx(2 * precision * recall / (precision + recall))


def told(labels: str) -> list[str]:
    return ["" if one == "-" else one for one in labels]


def test_recall_of_each_campaign_and_the_worst() -> None:
    found = score(told("aaaabb"), "111234")
    # a: three of four together (3 * 3/4 + 1/4) / 4; b: each alone.
    assert found.recalls == pytest.approx({"a": 10 / 16, "b": 0.5})
    assert found.worst == pytest.approx(0.5)


def test_noise_is_counted_inside_and_outside() -> None:
    found = score(told("a-a-----"), "11122223")
    assert found.swallowed == 1
    assert found.swallowed_share == pytest.approx(1 / 6)
    assert found.largest_noise == 4
    assert found.groups == 3


def test_one_alert_of_a_campaign_makes_a_group_its_own() -> None:
    found = score(told("a-------"), "11111223")
    assert found.swallowed == 4
    assert found.largest_noise == 2


def test_several_sets_are_averaged_over_their_alerts() -> None:
    found = together({"one": score(told("aa"), "12"), "two": score(told("aaaa--"), "111123")})
    assert found.recall == pytest.approx((2 * 0.5 + 4 * 1) / 6)
    assert found.recalls == {"one/a": 0.5, "two/a": 1.0}
    assert (found.noise, found.groups, found.largest_noise) == (2, 5, 1)


def test_a_correlator_gives_a_group_to_each_alert() -> None:
    with pytest.raises(ValueError, match="There are 2 alerts and 1 groups"):
        score(["a", "a"], ["1"])


@pytest.mark.parametrize("groups", [["1", "2", "3"], ["9", "2", "3"]])
def test_a_corrected_alert_counts_once_as_it_was_last(groups: Sequence[str]) -> None:
    alerts = [{"id": "x"}, {"id": "y"}, {"id": "x"}]
    assert last_of_each(alerts, ["a", "", "a"], groups) == (["a", ""], ["3", "2"])

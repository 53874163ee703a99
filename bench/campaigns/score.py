"""How good a grouping of labelled alerts is.

B-cubed: an alert's precision is the share of its group that is of its campaign, its recall the share of its campaign that is
in its group. Both are averaged over the alerts of campaigns only; noise in their groups lowers precision, and what becomes of
the other noise is told beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Score:
    """What was found, in sums that can be added up over several sets of alerts."""

    alerts: int
    """Of campaigns."""
    precision_sum: float
    recall_sum: float
    recalls: Mapping[str, float]
    """By campaign, the mean over its alerts."""
    noise: int
    swallowed: int
    """Noise alerts in a group that holds an alert of a campaign."""
    largest_noise: int
    """Alerts of the largest group in which there is only noise."""
    groups: int

    @property
    def precision(self) -> float:
        """Mean over the alerts of campaigns; 1 where there are none."""
        return self.precision_sum / self.alerts if self.alerts else 1.0

    @property
    def recall(self) -> float:
        """Mean over the alerts of campaigns; 1 where there are none."""
        return self.recall_sum / self.alerts if self.alerts else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def worst(self) -> float:
        """The recall of the campaign that came out worst."""
        return min(self.recalls.values(), default=1.0)

    @property
    def swallowed_share(self) -> float:
        """Of the noise."""
        return self.swallowed / self.noise if self.noise else 0.0


def score(labels: Sequence[str], groups: Sequence[str]) -> Score:
    """The score of a grouping: for each alert its campaign (empty: noise) and its group."""
    if len(labels) != len(groups):
        raise ValueError(f"There are {len(labels)} alerts and {len(groups)} groups. A correlator gives one for each alert.")
    sizes, campaigns = Counter(groups), Counter(label for label in labels if label)
    both = Counter((label, group) for label, group in zip(labels, groups, strict=True) if label)
    precision = sum(many * many / sizes[group] for (_, group), many in sorted(both.items()))
    recalls = dict.fromkeys(sorted(campaigns), 0.0)
    for (label, _), many in sorted(both.items()):
        recalls[label] += many * many / campaigns[label] ** 2
    touched = {group for _, group in both}
    noise = Counter(group for label, group in zip(labels, groups, strict=True) if not label)
    return Score(
        alerts=sum(campaigns.values()), precision_sum=precision,
        recall_sum=sum(recalls[label] * many for label, many in campaigns.items()), recalls=recalls,
        noise=sum(noise.values()), swallowed=sum(many for group, many in noise.items() if group in touched),
        largest_noise=max((many for group, many in noise.items() if group not in touched), default=0), groups=len(sizes),
    )  # fmt: skip


def together(scores: Mapping[str, Score]) -> Score:
    """Several sets as one; the campaigns are told apart by the names of their sets."""
    every = list(scores.values())
    return Score(
        alerts=sum(one.alerts for one in every), precision_sum=sum(one.precision_sum for one in every),
        recall_sum=sum(one.recall_sum for one in every),
        recalls={f"{name}/{label}": recall for name, one in scores.items() for label, recall in one.recalls.items()},
        noise=sum(one.noise for one in every), swallowed=sum(one.swallowed for one in every),
        largest_noise=max((one.largest_noise for one in every), default=0), groups=sum(one.groups for one in every),
    )  # fmt: skip


def last_of_each(alerts: Iterable[Record], labels: Sequence[str], groups: Sequence[str]) -> tuple[list[str], list[str]]:
    """Labels and groups of every alert once, as its last version has them: an alert that was corrected came several times."""
    last = {alert["id"]: place for place, alert in enumerate(alerts)}
    return [labels[place] for place in last.values()], [groups[place] for place in last.values()]

"""The differences that the report lists, and its answer in three sentences, each with its evidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fauxface.study.config import ABLATIONS, FOUR
from fauxface.study.results import Key
from fauxface.study.statistics import Difference, Group, PowerLaw, Seeds, difference, mean_sd, signed

Errors = Mapping[Key, np.ndarray]


def differences(groups: Mapping[Group, Seeds], errors: Errors) -> list[tuple[str, Difference]]:
    """All comparisons: policies with none, most images with fewest, ablations with their base, models with the best."""
    pairs: list[tuple[str, Group, Group]] = []
    for group in sorted(groups):
        model, images, policy = group
        counts = sorted({g.images for g in groups if (g.model, g.policy) == (model, policy)})
        if policy != "none" and policy not in ABLATIONS:
            pairs.append((f"{policy} − none, {images:,} images", group, Group(model, images, "none")))
        if images == counts[-1] != counts[0]:
            fewest = Group(model, counts[0], policy)
            pairs.append((f"{images:,} − {counts[0]:,} images, {policy}", group, fewest))
        if policy in ABLATIONS:
            base = "all" if policy.startswith("all") else "none"
            pairs.append((f"{policy} − {base}, {images:,} images", group, Group(model, images, base)))
    best = best_group(groups)
    for group in sorted(groups):
        if best is not None and group.model != best.model and group[1:] == best[1:]:
            pairs.append((f"{group.model} − {best.model}, {best.images:,} images, {best.policy}", group, best))
    found = [(name, difference(a, b, groups, errors)) for name, a, b in pairs]
    return [(name, one) for name, one in found if one is not None]


def answer(groups: Mapping[Group, Seeds], errors: Errors, laws: Mapping[str, PowerLaw], policy: str) -> list[str]:
    """One sentence each on the number of images, the augmentations and the model.

    ``policy`` is the learning curve's.
    """
    best = best_group(groups)
    if best is None:
        return ["No error was measured."]
    return [
        _how_many(best, groups, errors, laws, policy),
        _which_policy(best, groups, errors),
        _which_model(best, groups, errors),
    ]


def _how_many(
    best: Group, groups: Mapping[Group, Seeds], errors: Errors, laws: Mapping[str, PowerLaw], policy: str
) -> str:
    """Compare the best policy at the most images with the best at a smaller number, one with as many policies tried."""
    pair = most_and_fewer(best, groups)
    if pair is None:
        return f"How many images: so far only {best.images:,} were tried."
    many, few = pair
    comparison = _compared(many, few, groups, errors)
    text = f"How many images: the lowest error of {best.model} is {comparison}"
    law = laws.get(best.model)
    if law is not None and law.falls:
        text += (
            f"; by the law fitted to its learning curve ({policy}), the error with {law.enough:,.0f} images "
            f"({law.enough_interval[0]:,.0f} to {law.enough_interval[1]:,.0f}) is within 5 % of the error with "
            f"{law.counts[-1]:,}"
        )
    elif law is not None:
        text += f"; its learning curve ({policy}, {law.counts[0]:,} to {law.counts[-1]:,}) shows no clear fall"
    return f"{text}."


def most_and_fewer(best: Group, groups: Mapping[Group, Seeds]) -> tuple[Group, Group] | None:
    """The model's best group at the most images and at the smaller number where as many policies were tried."""
    mine = [group for group in groups if group.model == best.model and group.policy not in ABLATIONS]
    tried = {n: len({g.policy for g in mine if g.images == n}) for n in {g.images for g in mine}}
    found = []
    for n in (best.images, *sorted((n for n in tried if n < best.images), key=lambda n: (-tried[n], n))):
        if (one := best_group({g: groups[g] for g in mine if g.images == n})) is not None:
            found.append(one)
    return (found[0], found[1]) if len(found) > 1 and found[0].images == best.images else None


def _which_policy(best: Group, groups: Mapping[Group, Seeds], errors: Errors) -> str:
    """Compare policies at every number of images with several of them, the largest first."""
    mine = [group for group in groups if group.model == best.model]
    counts = sorted({g.images for g in mine if len({o.policy for o in mine if o.images == g.images}) > 1}, reverse=True)
    if not counts:
        return f"Which augmentations: so far only {best.policy} was tried."
    return "Which augmentations: " + "; ".join(_policies_at(best.model, n, groups, errors) for n in counts) + "."


def _policies_at(model: str, images: int, groups: Mapping[Group, Seeds], errors: Errors) -> str:
    tried = {g: seeds for g, seeds in groups.items() if (g.model, g.images) == (model, images)}
    best = best_group(tried)
    if best is None:
        return f"at {images:,} images no error was measured"
    text = f"with {images:,} images {best.policy} has the lowest error ({_mean(groups[best])})"
    none = Group(model, images, "none")
    if none in groups and best != none:
        text += f", and none {_compared(none, best, groups, errors, short=True)}"
    alike = [
        other.policy
        for other in tried
        if other != best and (found := difference(best, other, groups, errors)) is not None and not found.shown
    ]
    if alike:
        text += f"; no difference is shown from {', '.join(sorted(alike))}"
    base = Group(model, images, "all")
    parts = [(part, difference(Group(model, images, f"all-{part}"), base, groups, errors)) for part in FOUR]
    helps = [
        f"{part} ({signed(found.mean)} without it)" for part, found in parts if found and found.shown and found.low > 0
    ]
    harms = [f"{part} ({signed(found.mean)})" for part, found in parts if found and found.shown and found.high < 0]
    if helps:
        text += f"; of the four augmentations, all is worse without {', '.join(helps)}"
    if harms:
        text += f"; all is better without {', '.join(harms)}"
    return text


def _which_model(best: Group, groups: Mapping[Group, Seeds], errors: Errors) -> str:
    others = {g.model: g for g in groups if g[1:] == best[1:] and g.model != best.model}
    if not others:
        return f"Which model: with {best.images:,} images and {best.policy} so far only {best.model} was tried."
    second = min(others.values(), key=lambda g: mean_sd(groups[g], "nme")[0])
    comparison = _compared(second, best, groups, errors, short=True)
    return (
        f"Which model: with {best.images:,} images and {best.policy}, {best.model} has {_mean(groups[best])}, and "
        f"{second.model} {comparison}."
    )


def best_group(groups: Mapping[Group, Seeds]) -> Group | None:
    """The group with the lowest mean error among those with the most images."""
    most = max((g.images for g in groups), default=0)
    means = {g: mean_sd(seeds, "nme")[0] for g, seeds in groups.items() if g.images == most}
    means = {g: error for g, error in means.items() if np.isfinite(error)}
    return min(means, key=lambda g: means[g], default=None)


def _mean(seeds: Seeds) -> str:
    mean, deviation = mean_sd(seeds, "nme")
    return f"{mean:.2f}" if np.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _compared(a: Group, b: Group, groups: Mapping[Group, Seeds], errors: Errors, short: bool = False) -> str:
    """Means over the seeds that both have, and their difference; ``short`` gives the first mean only."""
    found = difference(a, b, groups, errors)
    seeds = found.seeds if found else tuple(groups[a].keys() & groups[b].keys())
    first, second = ({seed: groups[group][seed] for seed in seeds} for group in (a, b))
    evidence = "not compared: errors by face are missing"
    if found:
        evidence = f"difference {found}; {len(seeds)} seed{'s' if len(seeds) > 1 else ''} each"
    if short:
        return f"{_mean(first)} ({evidence})"
    at = [f"{_mean(rows)} at {group.images:,} ({group.policy})" for group, rows in ((a, first), (b, second))]
    return f"{at[0]} and {at[1]}: {evidence}"

"""The differences that the report tells of, and its answer in three sentences, each with its evidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fauxface.study.config import ABLATIONS, FOUR
from fauxface.study.results import Key
from fauxface.study.statistics import Difference, Group, PowerLaw, Seeds, difference, mean_sd

Errors = Mapping[Key, np.ndarray]


def differences(groups: Mapping[Group, Seeds], errors: Errors) -> list[tuple[str, Difference]]:
    """All that is compared: policies with none, most images with fewest, ablations with their base, models."""
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
    best = _best(groups)
    for group in sorted(groups):
        if best is not None and group.model != best.model and group[1:] == best[1:]:
            pairs.append((f"{group.model} − {best.model}, {best.images:,} images, {best.policy}", group, best))
    found = [(what, difference(a, b, groups, errors)) for what, a, b in pairs]
    return [(what, one) for what, one in found if one is not None]


def answer(where: object, groups: Mapping[Group, Seeds], errors: Errors, laws: Mapping[str, PowerLaw]) -> list[str]:
    """How many images, which augmentations, which model: a sentence each."""
    best = _best(groups)
    if best is None:
        return [f"No error was measured on {where}."]
    return [
        _how_many(best, groups, errors, laws),
        _which_policy(best, groups, errors),
        _which_model(best, groups, errors),
    ]


def _how_many(best: Group, groups: Mapping[Group, Seeds], errors: Errors, laws: Mapping[str, PowerLaw]) -> str:
    """By the best policy of those that were tried at several numbers of images."""
    counts: dict[str, list[int]] = {}
    for group in sorted(groups):
        if group.model == best.model:
            counts.setdefault(group.policy, []).append(group.images)
    compared = {Group(best.model, best.images, policy) for policy, tried in counts.items() if len(tried) > 1}
    many = _best({group: seeds for group, seeds in groups.items() if group in compared})
    if many is None:
        return f"How many images: only {best.images:,} were tried."
    few = Group(best.model, counts[many.policy][0], many.policy)
    text = (
        f"How many images: with {best.model} and {many.policy}, NME is {_mean(groups, few)} at {few.images:,} and "
        f"{_mean(groups, many)} at {many.images:,}{_evidence(difference(many, few, groups, errors))}"
    )
    law = laws.get(best.model)
    if law is not None:
        text += (
            f"; by the law fitted to the learning curve {law.enough:,.0f} images ({law.enough_interval[0]:,.0f} to "
            f"{law.enough_interval[1]:,.0f}) come within 5 % of the error at {law.counts[-1]:,}"
        )
    return f"{text}."


def _which_policy(best: Group, groups: Mapping[Group, Seeds], errors: Errors) -> str:
    none = Group(best.model, best.images, "none")
    tried = sorted(g.policy for g in groups if (g.model, g.images) == (best.model, best.images))
    if len(tried) < 2:
        return f"Which augmentations: only {tried[0]} was tried."
    text = f"Which augmentations: of {', '.join(tried)}, {best.policy} has the lowest error ({_mean(groups, best)})"
    if none in groups and best != none:
        text += f"; none has {_mean(groups, none)}{_evidence(difference(best, none, groups, errors))}"
    others = [g for g in groups if g[:2] == best[:2] and g != best]
    alike = []
    for other in others:
        found = difference(best, other, groups, errors)
        if found is not None and not found.shown:
            alike.append(other.policy)
    if alike:
        text += f"; no difference shown from {', '.join(sorted(alike))}"
    helps = []
    for part in FOUR:
        left_out = Group(best.model, best.images, f"all-{part}")
        found = difference(left_out, Group(best.model, best.images, "all"), groups, errors)
        if found is not None and found.low > 0:
            helps.append(f"{part} ({found.mean:+.2f} without it)")
    if helps:
        text += f"; of the four, all is worse without {', '.join(helps)}"
    return f"{text}."


def _which_model(best: Group, groups: Mapping[Group, Seeds], errors: Errors) -> str:
    others = {g.model: g for g in groups if g[1:] == best[1:] and g.model != best.model}
    if not others:
        return f"Which model: only {best.model} was tried."
    second = min(others.values(), key=lambda g: mean_sd(groups[g], "nme")[0])
    return (
        f"Which model: {best.model} ({_mean(groups, best)}), then {second.model} ({_mean(groups, second)}), at "
        f"{best.images:,} images with {best.policy}{_evidence(difference(best, second, groups, errors))}."
    )


def _best(groups: Mapping[Group, Seeds]) -> Group | None:
    """The group of the lowest mean error among those of the most images."""
    most = max((g.images for g in groups), default=0)
    there = {g: mean_sd(seeds, "nme")[0] for g, seeds in groups.items() if g.images == most}
    there = {g: error for g, error in there.items() if np.isfinite(error)}
    return min(there, key=lambda g: there[g], default=None)


def _mean(groups: Mapping[Group, Seeds], group: Group) -> str:
    mean, deviation = mean_sd(groups[group], "nme")
    return f"{mean:.2f}" if np.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _evidence(found: Difference | None) -> str:
    return "" if found is None else f", difference {found}, {found.seeds} seed{'s' if found.seeds > 1 else ''}"

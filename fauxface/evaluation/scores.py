"""Scores of predicted landmarks: NME, failure rate, AUC, misses, and how well confidence ranks errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from fauxface import metrics
from fauxface.datasets import BadSample
from fauxface.landmarks import scheme_of


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint's scores on a data set, in percent; misses count everywhere but in means.

    Attributes:
        checkpoint: folder or name of the checkpoint.
        licence: the checkpoint's lane, ``clean`` or ``research``.
        data: the data set's name, with its label convention in brackets.
        box: origin of the crops, ``landmarks`` or ``detector``.
        normaliser: ``inter-ocular``, ``inter-pupil`` or ``box``.
        scheme: scheme in which the points are compared.
        sources: file of each face.
        truth: M×N×2, annotated points.
        predictions: M×N×2, NaN for a miss.
        scores: M×N, the model's confidence in each point, NaN for a miss; None if unknown.
        same_faces: M×N×2, predictions from the annotated boxes, for comparison under ``detector``.
        skipped: faces that could not be read.
        adapter: the label adapter that was applied, or None.
        distances: (M,) px, divisors of the errors, from all annotated points; None computes them from ``truth``.
        annotated: scheme of the annotations, if different.
        predicted: scheme of the predictions, if different.
        detector: name of the detector that the crops come from, under ``detector``.
    """

    checkpoint: str
    licence: str
    data: str
    box: str
    normaliser: metrics.Normaliser
    scheme: str
    sources: tuple[Path, ...]
    truth: np.ndarray
    predictions: np.ndarray
    scores: np.ndarray | None = None
    same_faces: np.ndarray | None = None
    skipped: list[BadSample] = field(default_factory=list)
    adapter: str | None = None
    distances: np.ndarray | None = None
    annotated: str | None = None
    predicted: str | None = None
    detector: str | None = None

    @cached_property
    def errors(self) -> np.ndarray:
        """NME (M,) of each face over all points but the pupils (iBUG's 68 for renders); infinite for a miss."""
        return self._nme(self.predictions, scheme_of(self.scheme).outline)

    @cached_property
    def inner_errors(self) -> np.ndarray:
        """NME (M,) of each face without the jaw and the pupils (iBUG's points 17–67); infinite for a miss."""
        jaw = scheme_of(self.scheme).groups.get("jaw", ())
        return self._nme(self.predictions, [i for i in scheme_of(self.scheme).outline if i not in jaw])

    @cached_property
    def groups(self) -> dict[str, float]:
        """Facial part → mean NME of its points over found faces."""
        return metrics.group_nme(self.predictions, self.truth, self.scheme, self._unit)

    @property
    def points(self) -> int:
        """Number of points that NME is computed over: all compared points but the pupils."""
        return len(scheme_of(self.scheme).outline)

    @property
    def comparison(self) -> str | None:
        """A description of the compared points; None if the annotations' scheme is used as it is."""
        if self.annotated in (None, self.scheme):
            return None
        return f"the {self.points} points that {self.predicted} and {self.annotated} both have, pupils left out"

    def ranked(self, whole_faces: bool) -> tuple[np.ndarray, np.ndarray]:
        """Errors in percent and scores of found faces: of each point but the pupils, or of whole faces.

        A face's error is its NME, its score the mean over its points. Empty without scores.
        """
        outline = list(scheme_of(self.scheme).outline)
        found = np.isfinite(self.errors)
        if self.scores is None:
            return np.zeros(0), np.zeros(0)
        scores = self.scores[found][:, outline]
        if whole_faces:
            return self.errors[found], scores.mean(1)
        truth = self.truth[found]
        if not len(truth):
            return np.zeros(0), np.zeros(0)
        unit = self._unit[found] if isinstance(self._unit, np.ndarray) else self._unit
        return metrics.point_errors(self.predictions[found], truth, self.scheme, unit)[:, outline], scores

    @property
    def missed(self) -> int:
        """Number of faces that the detector missed."""
        return int(np.isinf(self.errors).sum())

    @property
    def nme(self) -> float:
        """Mean NME over found faces; NaN without any."""
        return metrics.mean_found(self.errors)

    def as_json(self) -> dict[str, object]:
        """The scores under the names that ``fauxface evaluate --json`` writes; None for the mean of no face."""
        scores: dict[str, float] = {"nme": self.nme, "nme_inner": metrics.mean_found(self.inner_errors)}
        if self.same_faces is not None:
            alike = self._nme(self.same_faces, scheme_of(self.scheme).outline)
            scores["nme_landmarks_box_same_faces"] = metrics.mean_found(alike[np.isfinite(self.errors)])
        for threshold in (8, 10):
            scores[f"fr{threshold}"] = metrics.failure_rate(self.errors, threshold)
        for threshold in (8, 10):
            scores[f"auc{threshold}"] = metrics.auc(self.errors, threshold)
        for name, whole_faces in (("aurc", False), ("aurc_faces", True)):
            areas = metrics.aurc(*self.ranked(whole_faces))
            scores |= {name: areas.aurc, f"{name}_random": areas.random, f"{name}_oracle": areas.oracle}
        return {
            "n": len(self.errors),
            **{name: None if math.isnan(value) else round(value, 4) for name, value in scores.items()},
            "missed": self.missed,
            "box": self.box,
            **({"detector": self.detector} if self.detector is not None else {}),
            "normaliser": self.normaliser,
            "data": self.data,
            "points": self.points,
            "checkpoint": self.checkpoint,
            "licence": self.licence,
            **({"adapter": self.adapter} if self.adapter is not None else {}),
            # after --skip-bad: n is then less than the data set
            **({"skipped": len(self.skipped)} if self.skipped else {}),
        }

    def table(self) -> str:
        """The scores as lines of text, with the 95 % interval of NME and the error of each part of the face."""
        scores = self.as_json()
        low, high = metrics.bootstrap_interval(self.errors)
        parts = [f"{part.replace('_', ' ')} {value:.2f}" for part, value in self.groups.items()]
        about = self.checkpoint if self.adapter is None else f"{self.checkpoint}, adapted by {self.adapter},"
        box = self.box if self.detector is None else f"{self.box} {self.detector}"
        lines = [
            f"{about} on {self.data}: {scores['n']} faces, box from {box}, {self.normaliser}",
            f"  NME           {_percent(self.nme)}   found faces; 95 % interval {low:.2f}–{high:.2f}",
            f"  NME, inner    {_percent(scores['nme_inner'])}   without the jaw",
        ]
        if "nme_landmarks_box_same_faces" in scores:
            alike = _percent(scores["nme_landmarks_box_same_faces"])
            lines.append(f"  NME, same     {alike}   the same faces, box from landmarks")
        lines += [
            f"  FR at 8, 10   {_percent(scores['fr8'])} {_percent(scores['fr10'])}",
            f"  AUC at 8, 10  {_percent(scores['auc8'])} {_percent(scores['auc10'])}",
            f"  missed        {self.missed:6d}",
            f"  AURC, points  {_areas(scores, 'aurc')}",
            f"  AURC, faces   {_areas(scores, 'aurc_faces')}",
            f"  by part       {', '.join(parts)}",
        ]
        if self.comparison is not None:
            lines.append(f"  compared      {self.comparison}")
        if self.skipped:
            lines.append(f"  left out      {len(self.skipped):6d}   could not be read")
        return "\n".join(lines)

    def _nme(self, points: np.ndarray, indices: list[int] | tuple[int, ...]) -> np.ndarray:
        return metrics.nme(points, self.truth, self.scheme, self._unit, indices)

    @property
    def _unit(self) -> metrics.Normaliser | np.ndarray:
        return self.normaliser if self.distances is None else self.distances


def _areas(scores: dict[str, object], name: str) -> str:
    """The area under the risk–coverage curve, compared with a random and with a perfect ranking."""
    random, oracle = (_percent(scores[f"{name}_{other}"]).strip() for other in ("random", "oracle"))
    return f"{_percent(scores[name])}   ranked by score; by lot {random}, by true error {oracle}"


def _percent(value: object) -> str:
    return f"{value:6.2f} %" if isinstance(value, float) and not math.isnan(value) else "     –  "

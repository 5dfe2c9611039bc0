"""Metrics against answers worked out by hand."""

import numpy as np
import pytest

from fauxface import metrics
from fauxface.landmarks import SCHEMES


def _truth(count: int = 1) -> np.ndarray:
    """iBUG faces whose outer eye corners are 200 px apart and whose eye centres are 100 px apart."""
    face = np.zeros((68, 2))
    face[36:42] = [50, 0]
    face[42:48] = [150, 0]
    face[36], face[45] = [0, 0], [200, 0]
    # the centres of six points each stay 50 and 150 if another point balances the corner
    face[37], face[46] = [100, 0], [100, 0]
    return np.tile(face, (count, 1, 1))


def test_nme_of_a_shift():
    """Every point 6 px off ((3, 4) is 5 long; × 1.2): 6 of 200 is 3 %, of 100 is 6 %."""
    truth = _truth()
    pred = truth + 1.2 * np.array([3, 4])
    assert metrics.nme(pred, truth, "ibug68") == pytest.approx([3])
    assert metrics.nme(pred, truth, "ibug68", "inter-pupil") == pytest.approx([6])


def test_nme_of_one_point_and_of_a_subset():
    """One jaw point 68 px off: 68 / 68 points / 200 = 0.5 %; nothing among the inner 51."""
    truth, pred = _truth(2), _truth(2)
    pred[1, 4, 0] += 68
    assert metrics.nme(pred, truth, "ibug68") == pytest.approx([0, 0.5])
    assert metrics.nme(pred, truth, "ibug68", indices=range(17, 68)) == pytest.approx([0, 0])
    assert metrics.nme(pred, truth, "ibug68", indices=[4, 5]) == pytest.approx([0, 17])
    assert metrics.point_errors(pred, truth, "ibug68")[1, 4] == pytest.approx(34)


def test_groups():
    """Jaw points 17 of 200 px off in one of two faces: 8.5 % there, 4.25 % on average."""
    truth, pred = _truth(2), _truth(2)
    pred[0, :17, 1] += 17
    pred[1, 27:36, 1] += 2
    groups = metrics.group_nme(pred, truth, "ibug68")
    assert list(groups) == ["jaw", "right_brow", "left_brow", "nose", "right_eye", "left_eye", "mouth"]
    assert groups["jaw"] == pytest.approx(4.25)
    assert groups["nose"] == pytest.approx(0.5)
    assert groups["mouth"] == 0


def test_the_pupils_of_seventy_points_normalise():
    truth = np.zeros((1, 70, 2))
    truth[0, 69] = [30, 40]
    truth[0, 45] = [100, 0]
    assert metrics.normalising_distance(truth, "face_synthetics70", "inter-pupil") == pytest.approx([50])
    assert metrics.normalising_distance(truth, "face_synthetics70") == pytest.approx([100])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_normalises_in_every_way(scheme: str):
    truth = np.random.default_rng(0).normal(size=(3, SCHEMES[scheme].count, 2))
    for normaliser in (metrics.usual_normaliser(scheme), "inter-pupil", "box"):
        assert (metrics.nme(truth, truth, scheme, normaliser) == 0).all()
    if SCHEMES[scheme].eye_corners is None:
        with pytest.raises(ValueError, match=f"{scheme} has no outer eye corners"):
            metrics.nme(truth, truth, scheme)


def test_box_by_hand():
    """√(40 · 90) = 60, whatever the pupils are; a given distance is taken as it is."""
    truth = np.zeros((1, 70, 2))
    truth[0, 3], truth[0, 8], truth[0, 68] = [40, 0], [0, 90], [500, 500]
    assert metrics.normalising_distance(truth, "face_synthetics70", "box") == pytest.approx([60])
    assert metrics.nme(truth + 3, truth, "face_synthetics70", "box") == pytest.approx([100 * 18**0.5 / 60])
    assert metrics.nme(truth + 3, truth, "face_synthetics70", np.array([30.0])) == pytest.approx([100 * 18**0.5 / 30])


def test_a_miss_is_infinite_and_out_of_the_mean():
    truth = _truth(2)
    pred = truth + np.array([0, 2])
    pred[1] = np.nan
    errors = metrics.nme(pred, truth, "ibug68")
    assert errors.tolist() == pytest.approx([1, np.inf])
    assert metrics.mean_found(errors) == pytest.approx(1)
    assert metrics.group_nme(pred, truth, "ibug68")["mouth"] == pytest.approx(1)
    assert np.isnan(metrics.mean_found(np.array([np.inf])))


ERRORS = np.array([2.0, 4.0, 8.0, 10.0, np.inf])


def test_failure_rate_counts_what_is_above():
    assert metrics.failure_rate(ERRORS, 8) == pytest.approx(40)
    assert metrics.failure_rate(ERRORS, 10) == pytest.approx(20)
    assert metrics.failure_rate(ERRORS, 1) == pytest.approx(100)


def test_auc_is_the_staircases_area():
    """At 8: steps 6, 4, 0, 0, 0 wide, 10 / (5·8) = 25 %. At 10: 8, 6, 2, 0, 0: 16 / 50 = 32 %."""
    assert metrics.auc(ERRORS, 8) == pytest.approx(25)
    assert metrics.auc(ERRORS, 10) == pytest.approx(32)
    assert metrics.auc(np.zeros(3), 10) == pytest.approx(100)
    assert metrics.auc(np.full(3, np.inf), 10) == 0


def test_ced():
    thresholds, share = metrics.ced(ERRORS, 10, steps=6)
    assert thresholds.tolist() == [0, 2, 4, 6, 8, 10]
    assert share.tolist() == pytest.approx([0, 20, 40, 40, 60, 80])


def test_auc_is_the_integral_of_the_ced():
    errors = np.random.default_rng(1).exponential(5, 200)
    _, share = metrics.ced(errors, 10, steps=100_001)
    assert metrics.auc(errors, 10) == pytest.approx(share.mean(), abs=0.01)


def test_risk_coverage_by_hand():
    """Kept best score first: 3; (3 + 1) / 2; (3 + 1 + 2) / 3; by true error 1, 3/2, 2; by lot always 2."""
    errors, scores = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.1, 0.9])
    assert metrics.risk_coverage(errors, scores).tolist() == pytest.approx([3, 2, 2])
    assert metrics.aurc(errors, scores) == pytest.approx((7 / 3, 2, 4.5 / 3))


def test_equal_scores_rank_by_lot():
    """Whatever the order in which they come: each counts with its group's mean."""
    errors = np.array([[4.0, 0.0], [1.0, 3.0]])
    assert metrics.aurc(errors, np.full((2, 2), 0.3)).aurc == pytest.approx(2)
    scores = np.array([[0.2, 0.2], [0.9, 0.2]])
    assert metrics.risk_coverage(errors, scores).tolist() == pytest.approx([1, (1 + 7 / 3) / 2, (1 + 14 / 3) / 3, 2])


def test_aurc_lies_between_the_oracle_and_its_opposite():
    random = np.random.default_rng(3)
    errors = random.exponential(size=500)
    for scores in (random.random(500), -errors + random.normal(size=500), -errors):
        areas = metrics.aurc(errors, scores)
        assert areas.oracle <= areas.aurc <= metrics.aurc(errors, errors).aurc
    assert metrics.aurc(errors, -errors).aurc == areas.oracle
    assert metrics.aurc(errors, random.random(500)).aurc == pytest.approx(areas.random, rel=0.1)
    assert np.isnan(metrics.aurc(np.zeros(0), np.zeros(0))).all()


def test_bootstrap_interval():
    """Of errors that are all 3 it is 3 to 3; of 400 normal ones about the mean ± 1.96 standard errors."""
    assert metrics.bootstrap_interval(np.full(10, 3.0)) == (3, 3)
    errors = np.random.default_rng(0).normal(5, 1, 400)
    low, high = metrics.bootstrap_interval(errors)
    assert low == pytest.approx(errors.mean() - 1.96 / 20, abs=0.02)
    assert high == pytest.approx(errors.mean() + 1.96 / 20, abs=0.02)
    assert metrics.bootstrap_interval(errors) == (low, high)


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match="unknown normaliser 'nose'; there are inter-ocular, inter-pupil, box"):
        metrics.nme(_truth(), _truth(), "ibug68", "nose")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="face 0 has no inter-ocular distance"):
        metrics.nme(np.zeros((1, 68, 2)), np.zeros((1, 68, 2)), "ibug68")
    with pytest.raises(ValueError, match="no faces"):
        metrics.auc(np.zeros(0), 8)

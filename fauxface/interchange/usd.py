"""USD: heads, landmarks and the camera as animation over the shot's frames.

Up axis Y, metres (``metersPerUnit`` 1), right-handed; the camera stands in the origin and looks along −z. Time codes
are the frames' numbers, ``timeCodesPerSecond`` the frame rate. ``/shot/camera`` has a 36 mm wide sensor; the ratio of
focal length and sensor is what counts, as USD measures both in tenths of a unit. ``/shot/face0/head`` is the head's
frame (x to the subject's left, y up, z out of the face, origin midway between the eyes), ``/shot/face0/landmarks`` are
points that the camera sees exactly at the landmarks; their distance is the mean head's. Pixel centres are at whole
numbers in the attribute ``fauxface:pixels`` (x, y down), which has the JSON's numbers. Faces are invisible in frames
without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fauxface.extras import require
from fauxface.files import atomic_path
from fauxface.interchange.shot import APERTURE, Shot, Track
from fauxface.outputs import MARKS

SUFFIXES = (".usd", ".usda", ".usdc")


def write_usd(shot: Shot, path: Path) -> None:
    """Write a shot as .usd, .usda (text) or .usdc; ValueError, in one line, without the package usd-core."""
    require("interchange", "usd", "pxr")
    Gf, Sdf, Usd, UsdGeom, _ = _modules()
    stage = Usd.Stage.CreateInMemory()
    stage.GetRootLayer().documentation = MARKS[0]
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(shot.fps)
    stage.SetFramesPerSecond(shot.fps)
    stage.SetStartTimeCode(shot.first)
    stage.SetEndTimeCode(shot.last)
    root = UsdGeom.Xform.Define(stage, "/shot")
    stage.SetDefaultPrim(root.GetPrim())
    root.GetPrim().CreateAttribute("fauxface:image", Sdf.ValueTypeNames.String).Set(shot.image)
    camera = UsdGeom.Camera.Define(stage, "/shot/camera")
    camera.CreateProjectionAttr(UsdGeom.Tokens.perspective)
    camera.CreateHorizontalApertureAttr(APERTURE)
    camera.CreateVerticalApertureAttr(shot.aperture_height)
    right, up = shot.offset
    camera.CreateHorizontalApertureOffsetAttr(right)
    camera.CreateVerticalApertureOffsetAttr(up)
    camera.CreateClippingRangeAttr(Gf.Vec2f(0.01, 1000))
    focal = camera.CreateFocalLengthAttr()
    for number in (shot.first, shot.last):
        focal.Set(shot.focal_mm, number)
    for track in shot.tracks:
        _add_face(stage, shot, track)
    with atomic_path(path) as temporary:
        if not stage.GetRootLayer().Export(str(temporary)):
            raise ValueError(f"{path}: USD cannot write it")


def _modules() -> tuple[Any, ...]:
    from pxr import Gf, Sdf, Usd, UsdGeom, Vt  # they are made at run time, so nothing is known of their types

    return Gf, Sdf, Usd, UsdGeom, Vt


def _add_face(stage: Any, shot: Shot, track: Track) -> None:
    Gf, Sdf, _, UsdGeom, Vt = _modules()
    face = UsdGeom.Xform.Define(stage, f"/shot/{track.name}")
    visible = face.CreateVisibilityAttr()
    for number, seen in track.seen(shot.first, shot.last).items():
        visible.Set(UsdGeom.Tokens.inherited if seen else UsdGeom.Tokens.invisible, number)
    if heads := track.heads:
        transform = UsdGeom.Xform.Define(stage, f"/shot/{track.name}/head").AddTransformOp()
        for number, matrix in heads.items():
            transform.Set(Gf.Matrix4d(matrix.T.tolist()), number)  # USD multiplies rows
    points = UsdGeom.Points.Define(stage, f"/shot/{track.name}/landmarks")
    prim = points.GetPrim()
    prim.CreateAttribute("fauxface:names", Sdf.ValueTypeNames.TokenArray).Set(list(track.point_names))
    pixels = prim.CreateAttribute("fauxface:pixels", Sdf.ValueTypeNames.Double2Array)
    points.CreateWidthsAttr(Vt.FloatArray([0.002])).SetMetadata("interpolation", UsdGeom.Tokens.constant)
    places, extent = points.CreatePointsAttr(), points.CreateExtentAttr()
    for number, space, flat in zip(track.frames, shot.points_in_space(track), track.points, strict=True):
        array = Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(space, np.float32))
        places.Set(array, number)
        extent.Set(UsdGeom.Points.ComputeExtent(array, Vt.FloatArray([0.002] * len(array))), number)
        pixels.Set(Vt.Vec2dArray.FromNumpy(np.ascontiguousarray(flat, np.float64)), number)

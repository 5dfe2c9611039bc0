"""Triangles to pixels with OpenGL 3.3: moderngl on EGL, by Mesa's software driver on a CPU or a GPU's own."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import moderngl
import numpy as np

from fauxface.rendering.labels.segmentation import glsl_constants

NEAR, FAR = 0.05, 12.0
"""Depths between which things are drawn, metres: nearer than any occluder, farther than any face."""
SAMPLES = 4
SHADOW_SIZE = 512
"""Samples a pixel, and the shadow map's side, pixels: by eye, for smooth edges at little cost."""
_TEXTURES = 512
"""Most textures kept by the driver; the least recently used goes first."""
_SAMPLER_2D = 0x8B5E
_SAMPLE_ALPHA_TO_COVERAGE, _SAMPLE_ALPHA_TO_ONE = 0x809E, 0x809F
"""OpenGL's constants of these names."""


@dataclass(frozen=True)
class Texture:
    """A picture for the shaders, repeated and mip-mapped; sent to the driver once while in use.

    Attributes:
        key: name of the pixels: equal keys mean equal pixels.
        pixels: (H, W, 1–4), uint8 (0–1 in the shader; colours stay sRGB there) or float16; row 0 is v = 0.
    """

    key: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Mesh:
    """Triangles for one shader program.

    Attributes:
        program: shader name (``face``, ``hair`` or ``thing``).
        attributes: vertex attribute → (V, k) float32; ``position`` and ``normal`` are in the camera frame.
        triangles: (T, 3) vertex indices.
        uniforms: the shader's own parameters; a `Texture` for a sampler.
        solid: closed and opaque: only its front is drawn, and its depth first, so that each pixel is shaded once.
        blend: transparent: drawn last, premultiplied, without shadow, and without label and depth unless `hides`.
        casting: (T', 3) the triangles that cast a shadow, where not all do.
        hides: it hides points though it is blended, as dark glass does.
        label: one class for the whole mesh instead of the program's.
    """

    program: str
    attributes: dict[str, np.ndarray]
    triangles: np.ndarray
    uniforms: dict[str, Any]
    solid: bool = False
    blend: bool = False
    hides: bool = False
    casting: np.ndarray | None = None
    label: int | None = None


@dataclass(frozen=True)
class Raster:
    """A drawn frame.

    Attributes:
        colour: (S, S, 4) float32 linear RGB, premultiplied, and coverage.
        labels: (S, S) uint8 segmentation classes; 0 where nothing was drawn.
        depth: (S, S) float32, metres along the camera's z; infinite where nothing was drawn.
    """

    colour: np.ndarray
    labels: np.ndarray
    depth: np.ndarray


class NoDisplayError(OSError):
    """Error for a machine without OpenGL; the message names the packages to install."""


def _source(name: str) -> str:
    return resources.files("fauxface.rendering.opengl").joinpath("shaders", name).read_text()


_FRAGMENTS = {
    "face": ("regions.glsl", "light.glsl", "face.frag"),
    "face_labels": ("regions.glsl", "face_labels.frag"),
    "face_cloth": ("regions.glsl", "light.glsl", "face_cloth.frag"),
    "face_cloth_labels": ("regions.glsl", "face_cloth_labels.frag"),
    "face_ear": ("ears.glsl", "regions.glsl", "light.glsl", "face.frag"),
    "face_ear_labels": ("regions.glsl", "face_labels.frag"),
    "face_eye": ("light.glsl", "face_eye.frag"),
    "face_eye_labels": ("face_eye_labels.frag",),
    "face_lash": ("noise.glsl", "light.glsl", "face_lash.frag"),
    "face_lash_labels": ("face_lash_labels.frag",),
    "face_mouth": ("mouth_ring.glsl", "light.glsl", "face_mouth.frag"),
    "face_mouth_labels": ("mouth_ring.glsl", "face_mouth_labels.frag"),
    "face_mouth_shadow": ("face_mouth_shadow.frag",),
    "hair": ("hair_cover.glsl", "hair.frag"),
    "hair_labels": ("hair_cover.glsl", "hair_labels.frag"),
    "hair_shadow": ("hair_cover.glsl", "hair_shadow.frag"),
    "thing": ("thing_cover.glsl", "light.glsl", "thing.frag"),
    "thing_labels": ("thing_cover.glsl", "thing_labels.frag"),
    "depth": ("depth.frag",),
}
_VERTICES = {
    "hair": ("light.glsl", "hair.vert"),
    "hair_labels": ("hair_place.vert",),
    "hair_shadow": ("hair_place.vert",),
}
"""Sources of the vertex programs that are more than one file."""

_LABEL_MAIN = """
uniform float only;
void main() { own(); if (only >= 0.0) label = only; }
"""


def projection_matrix(camera: np.ndarray, size: int) -> np.ndarray:
    """Clip matrix (4, 4) of a camera matrix (3, 3): row 0 of the framebuffer is the image's top row."""
    fx, fy, cx, cy = camera[0, 0], camera[1, 1], camera[0, 2], camera[1, 2]
    return np.array(
        [
            [2 * fx / size, 0, 2 * (cx + 0.5) / size - 1, 0],
            [0, 2 * fy / size, 2 * (cy + 0.5) / size - 1, 0],
            [0, 0, (FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)],
            [0, 0, 1, 0],
        ]
    )


def shadow_matrix(direction: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Orthographic clip matrix (4, 4) of a light that comes from ``direction`` and covers a sphere."""
    z = -direction / np.linalg.norm(direction)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    axes = np.stack([x, np.cross(z, x), z]) / radius
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ centre
    return matrix


class Rasteriser:
    """The buffers and programs for frames of ``size``×``size`` pixels."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.context = _context()
        shape = (size, size)
        self._samples = self.context.framebuffer(
            [self.context.renderbuffer(shape, 4, samples=SAMPLES, dtype="f2")],
            self.context.depth_renderbuffer(shape, samples=SAMPLES),
        )
        self._colour = self.context.framebuffer([self.context.renderbuffer(shape, 4, dtype="f2")])
        self._labels = self.context.framebuffer(
            [self.context.renderbuffer(shape, 1, dtype="f1")], self.context.depth_texture(shape)
        )
        self._shadow_map = self.context.depth_texture((SHADOW_SIZE, SHADOW_SIZE))
        self._shadow_map.compare_func = "<="
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow = self.context.framebuffer(depth_attachment=self._shadow_map)
        self._programs = {name: self._program(name) for name in _FRAGMENTS}
        self._members = {name: frozenset(program) for name, program in self._programs.items()}
        self._samplers = {name: _samplers(program) for name, program in self._programs.items()}
        self._textures: OrderedDict[str, moderngl.Texture] = OrderedDict()

    def _program(self, name: str) -> moderngl.Program:
        head = "#version 330\n"
        vertex = "".join(_source(part) for part in _VERTICES.get(name, (f"{name.split('_')[0]}.vert",)))
        fragment = "".join(_source(part) for part in _FRAGMENTS[name])
        if name.endswith("_labels"):
            fragment = glsl_constants() + fragment.replace("void main()", "void own()") + _LABEL_MAIN
        return self.context.program(vertex_shader=head + vertex, fragment_shader=head + fragment)

    def draw(self, meshes: list[Mesh], camera: np.ndarray, light: dict[str, Any], shadow: np.ndarray) -> Raster:
        """Draw meshes under one light.

        Args:
            meshes: in any order; depth sorts them.
            camera: (3, 3) camera matrix.
            light: uniforms of ``light.glsl`` but for the shadow's; textures may be among them.
            shadow: `shadow_matrix` of the key light.
        """
        ctx = self.context
        ctx.enable_only(ctx.DEPTH_TEST)
        ctx.front_face = "cw"  # the image's rows run down, so front faces turn clockwise
        meshes = [mesh for mesh in meshes if len(mesh.triangles)]  # hair under a hood may be none
        buffers = [self._upload(mesh) for mesh in meshes]
        clip = projection_matrix(camera, self.size)

        self._shadow.use()
        self._shadow.clear(depth=1.0)
        cast = [pair for pair in zip(meshes, buffers, strict=True) if not pair[0].blend]
        glass = [pair for pair in zip(meshes, buffers, strict=True) if pair[0].blend]
        self._render("_shadow", cast, {"projection": shadow})

        lit = {**light, "projection": clip, "shadow_matrix": shadow, "shadow_map": 0}
        self._samples.use()
        self._samples.clear(0, 0, 0, 0, depth=1.0)
        self._shadow_map.use(0)
        self._render("depth", cast, {"projection": clip})
        ctx.depth_func = "<="
        self._render("", cast, lit)
        ctx.depth_func = "<"
        if glass:
            ctx.enable(ctx.BLEND)
            ctx.blend_func = ctx.ONE, ctx.ONE_MINUS_SRC_ALPHA
            self._samples.depth_mask = False
            self._render("", glass, lit)
            self._samples.depth_mask = True
            ctx.disable(ctx.BLEND)
        ctx.copy_framebuffer(self._colour, self._samples)

        self._labels.use()
        self._labels.clear(0, depth=1.0)
        hiding = [pair for pair in glass if pair[0].hides]
        self._render("_labels", cast + hiding, {"projection": clip})
        raster = self._read()
        for buffer in buffers:
            for part in {*buffer[0].values(), *buffer[1:]}:
                part.release()
        return raster

    def _upload(self, mesh: Mesh) -> tuple[dict[str, moderngl.Buffer], moderngl.Buffer, moderngl.Buffer]:
        arrays = {k: np.ascontiguousarray(v, np.float32) for k, v in mesh.attributes.items()}
        index = self.context.buffer(np.ascontiguousarray(mesh.triangles, np.int32))
        casting = index
        if mesh.casting is not None and len(mesh.casting):
            casting = self.context.buffer(np.ascontiguousarray(mesh.casting, np.int32))
        return {k: self.context.buffer(v) for k, v in arrays.items()}, index, casting

    def _render(self, suffix: str, drawn: list[tuple[Mesh, tuple]], shared: dict[str, Any]) -> None:
        for mesh, (attributes, index, casting) in drawn:
            if suffix == "depth" and not mesh.solid:
                continue
            name = mesh.program + suffix
            if suffix == "depth" or name not in self._programs:
                name = "depth"
            program = self._programs[name]
            # hair and lashes fade by how many of a pixel's samples they cover
            fade = not (mesh.solid or mesh.blend) and suffix == ""
            for switch in (_SAMPLE_ALPHA_TO_COVERAGE, _SAMPLE_ALPHA_TO_ONE):
                (self.context.enable_direct if fade else self.context.disable_direct)(switch)
            cull = mesh.solid and suffix != "_shadow"
            (self.context.enable if cull else self.context.disable)(self.context.CULL_FACE)
            content = [
                (buffer, f"{mesh.attributes[attribute].shape[1]}f", attribute)
                for attribute, buffer in attributes.items()
                if attribute in self._members[name]  # the driver drops attributes that a program does not use
            ]
            only = -1.0 if mesh.label is None else mesh.label / 255
            values = {"blended": float(mesh.blend), "only": only, **mesh.uniforms, **shared}
            for unit, sampler in enumerate(self._samplers[name], start=1):
                # a sampler without a picture still needs a unit of its own: the shadow map's is of another kind
                self._bind(values.pop(sampler, _WHITE)).use(unit)
                _set(program[sampler], unit)
            for uniform, value in values.items():
                if uniform in self._members[name] and not isinstance(value, Texture):
                    _set(program[uniform], value)
            array = self.context.vertex_array(program, content, casting if suffix == "_shadow" else index)
            array.render()
            array.release()

    def _bind(self, texture: Texture) -> moderngl.Texture:
        if texture.key not in self._textures:
            height, width, channels = texture.pixels.shape
            kind = "f1" if texture.pixels.dtype == np.uint8 else "f2"
            pixels = np.ascontiguousarray(texture.pixels if kind == "f1" else texture.pixels.astype(np.float16))
            sent = self.context.texture((width, height), channels, pixels, alignment=1, dtype=kind)
            sent.build_mipmaps()
            self._textures[texture.key] = sent
        self._textures.move_to_end(texture.key)
        while len(self._textures) > _TEXTURES:
            self._textures.popitem(last=False)[1].release()
        return self._textures[texture.key]

    def _read(self) -> Raster:
        shape = (self.size, self.size)
        colour = np.frombuffer(self._colour.read(components=4, dtype="f2"), np.float16).reshape(*shape, 4)
        labels = np.frombuffer(self._labels.read(components=1, alignment=1), np.uint8).reshape(shape)
        stored = np.frombuffer(self._labels.read(attachment=-1, components=1, dtype="f4"), np.float32).reshape(shape)
        clip = 2.0 * stored - 1.0
        depth = np.where(stored < 1, 2 * FAR * NEAR / (FAR + NEAR - clip * (FAR - NEAR)), np.inf)
        return Raster(colour.astype(np.float32), labels.copy(), depth.astype(np.float32))


_WHITE = Texture("white", np.full((1, 1, 4), 255, np.uint8))


def _samplers(program: moderngl.Program) -> list[str]:
    return [name for name in program if getattr(program[name], "gl_type", None) == _SAMPLER_2D]


def _set(uniform: Any, value: Any) -> None:
    array = np.asarray(value)
    if array.ndim == 2 and array.shape == (4, 4):
        uniform.write(np.ascontiguousarray(array.T, np.float32))
    elif array.ndim == 0:
        uniform.value = int(array) if np.issubdtype(array.dtype, np.integer) else float(array)
    else:
        uniform.write(np.ascontiguousarray(array, np.float32))


class _Own(threading.local):
    """State of one thread: an OpenGL context, with all that was made in it, is current in one thread only."""

    def __init__(self) -> None:
        self.context: moderngl.Context | None = None
        self.rasterisers: dict[int, Rasteriser] = {}


_OWN = _Own()


def _context() -> moderngl.Context:
    """This thread's only OpenGL context: a second one would take over draw calls meant for the first."""
    if _OWN.context is None:
        os.environ.setdefault("LP_NUM_THREADS", "1")  # workers are processes: one thread each
        _OWN.context = _new_context()
    return _OWN.context


def _new_context() -> moderngl.Context:
    _load_triton()
    tries: tuple[dict[str, Any], ...] = ({"backend": "egl"}, {})
    for settings in tries:
        try:
            return moderngl.create_context(require=330, standalone=True, **settings)
        except Exception:  # moderngl raises bare exceptions, of a kind for each backend
            continue
    raise NoDisplayError(
        "rendering needs OpenGL 3.3 through EGL, which is missing here; on Debian and Ubuntu: "
        "apt-get install libegl1 libgl1-mesa-dri libgl1"
    )


def _load_triton() -> None:
    """Load PyTorch's compiler, if it is installed, before Mesa's driver.

    Both carry LLVM, and the driver shares its symbols with all that is loaded after it: ``import torch`` would crash
    the process. A quarter of a second, once.
    """
    triton = None if "triton" in sys.modules else importlib.util.find_spec("triton")
    for folder in triton.submodule_search_locations or () if triton else ():
        library = Path(folder, "_C", "libtriton.so")
        if library.is_file():
            ctypes.CDLL(str(library))


def renderer() -> str:
    """Name of the OpenGL renderer; NoDisplayError where no context can be made."""
    return _context().info["GL_RENDERER"]


def rasteriser(size: int) -> Rasteriser:
    """This thread's rasteriser for frames of this size; NoDisplayError without OpenGL."""
    if size not in _OWN.rasterisers:
        _OWN.rasterisers[size] = Rasteriser(size)
    return _OWN.rasterisers[size]

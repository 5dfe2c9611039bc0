"""Skin: its colours, their optics, fine textures, wrinkles and ambient occlusion."""

"""Occluders: objects and hands before the face, and people beside it."""

"""The photograph: camera, environments, light and the camera's processing of the image."""

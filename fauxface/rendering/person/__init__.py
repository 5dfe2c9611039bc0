"""A person before the camera: sampling, colours, face meshes and the body below the bust."""

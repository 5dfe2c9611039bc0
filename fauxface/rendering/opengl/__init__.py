"""OpenGL: triangles to pixels, and the shaders."""

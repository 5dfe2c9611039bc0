invariant gl_Position;
in vec3 position, normal;
in vec2 uv;
uniform mat4 projection;
centroid out vec3 at, n;  // thin tubes turn within a pixel: outside of a triangle their normals go on past the edge
out vec2 t;
void main() {
    at = position; n = normal; t = uv;
    gl_Position = projection * vec4(position, 1.0);
}

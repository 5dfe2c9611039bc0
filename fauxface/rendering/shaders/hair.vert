invariant gl_Position;
in vec3 position, normal, tangent;
in vec3 place;      // around (turns), along the strand 0–1, layer 0–1
uniform mat4 projection;
out vec3 at, n, t, p;
void main() {
    at = position; n = normal; t = tangent; p = place;
    gl_Position = projection * vec4(position, 1.0);
}

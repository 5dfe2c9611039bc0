invariant gl_Position;
in vec3 position, normal;
in vec2 uv;
uniform mat4 projection;
out vec3 at, n;
out vec2 t;
void main() {
    at = position; n = normal; t = uv;
    gl_Position = projection * vec4(position, 1.0);
}

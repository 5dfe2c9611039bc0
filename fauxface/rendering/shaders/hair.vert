invariant gl_Position;
in vec3 position, normal, tangent;
in vec4 place;      // texture u and v, cover, openness
in vec2 tone;       // from root to tip, random number of the lock
uniform mat4 projection;
out vec3 at, n, t;
out vec4 p;
out vec2 o;
void main() {
    at = position; n = normal; t = tangent; p = place; o = tone;
    gl_Position = projection * vec4(position, 1.0);
}

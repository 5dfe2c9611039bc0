invariant gl_Position;
in vec3 position, normal, rest;
in vec4 masks;       // lips, ears, inside of the mouth, eyelids
in vec2 kind;        // part, share of the head bone
uniform mat4 projection;
out vec3 at, n, r;
out vec4 m;
out vec2 k;
void main() {
    at = position; n = normal; r = rest; m = masks; k = kind;
    gl_Position = projection * vec4(position, 1.0);
}

invariant gl_Position;
in vec3 position, normal, rest;
in vec4 masks;       // lips, ears, inside of the mouth, eyelids
in vec2 kind;        // part, share of the head bone
in vec3 tint;        // albedo of the skin
in vec2 uv;
in vec4 relief;      // depth of wrinkles, share of the sky seen, shine, curvature
in float cover;      // how far under the cloth's edge, metres; negative is bare
uniform mat4 projection;
out vec3 at, n, r, tone;
out vec4 m, s;
out vec2 k, chart, t;
centroid out float covered;  // samples outside the triangle would see the cloth begin or end elsewhere
void main() {
    at = position; n = normal; r = rest; m = masks; k = kind; tone = tint; s = relief; t = uv;
    chart = vec2(0.085 * atan(rest.x, rest.z + 0.09), rest.y + 0.5 * rest.z);  // metres along the skin, about
    covered = cover;
    gl_Position = projection * vec4(position, 1.0);
}

// Lashes: thin dark hairs.
out vec4 colour;
in vec3 at, n, r;
uniform vec3 brow_colour;
uniform float lash, seed;
void main() {
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    float alpha = lash * smoothstep(0.35, 0.75, noise(vec3(r.x * 1500.0, r.y * 60.0, seed)));
    if (alpha < 0.05) discard;
    colour = vec4(min(0.4 * shade(at, normal, brow_colour, vec3(0.2), 0.6, 0.2, 0.6, lit(at, normal)), 60.0), alpha);
}

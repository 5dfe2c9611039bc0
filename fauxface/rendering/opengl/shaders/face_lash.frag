// Lashes: thin dark hairs. Numbers are by eye, on renders.
out vec4 colour;
in vec3 at, n, r;
uniform vec3 brow_colour;
uniform float lash, seed;
void main() {
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    // the lower lid's are fewer and finer
    float upper = smoothstep(-0.006, -0.001, r.y);
    float hairs = smoothstep(0.3, 0.8, noise(vec3(r.x * 2200.0, r.y * 250.0, seed)));
    float alpha = lash * mix(0.25, 0.8, upper) * (0.25 + 0.75 * hairs);
    if (alpha < 0.05) discard;
    colour = vec4(min(shade(at, normal, 0.15 * brow_colour, vec3(0.2), 0.7, 0.03, 0.6, lit(at, normal)), 60.0), alpha);
}

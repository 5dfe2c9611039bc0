// Cloth painted on the body below the collar.
out vec4 colour;
uniform vec3 cloth_colour[2]; uniform vec2 cloth_pattern;
float shadow;

vec3 bumped(vec3 normal, float scale, float amount) {
    return normalize(normal - 0.5 * amount * noise_slope(r * scale + seed));
}

vec3 cloth_shade(vec3 normal) {
    float stripe = step(0.5, fract((cloth_pattern.x > 1.5 ? r.x + 0.3 * r.z : r.y) * cloth_pattern.y));
    float blot = smoothstep(0.45, 0.55, noise2(r * cloth_pattern.y + seed));
    float which = cloth_pattern.x < 0.5 ? 0.0 : cloth_pattern.x < 2.5 ? stripe : blot;
    vec3 albedo = mix(cloth_colour[0], cloth_colour[1], which) * (0.8 + 0.4 * noise2(r * vec3(500, 900, 500)));
    float edge = smoothstep(0.0, 0.006, collar_height() - r.y);
    vec3 folds = bumped(bumped(normal, 28.0, 0.8), 300.0, 0.25);
    return shade(at, normalize(folds), albedo, vec3(0.1), 0.85, 0.3, mix(0.5, 1.0, edge), shadow);
}

void main() {
    if (!clothed()) discard;
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    shadow = lit(at, normal);
    colour = vec4(min(cloth_shade(normal), 60.0), 1.0);
}

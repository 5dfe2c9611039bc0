// Cloth painted on the body below the collar. Numbers are by eye, on renders.
out vec4 colour;
uniform vec3 cloth_colour[2]; uniform float cloth_scale;  // repeats a metre
uniform sampler2D cloth_map;  // share of the second colour, lightness of the weave, slopes of the folds
uniform vec3 eye_up, eye_right;
float shadow;

vec3 cloth_shade(vec3 normal) {
    vec2 place = vec2(r.x, r.y - 0.6 * r.z);
    float which = texture(cloth_map, place * cloth_scale).r;
    vec3 albedo = mix(cloth_colour[0], cloth_colour[1], which) * (0.2 + texture(cloth_map, place * 20.0).g);
    vec2 folds = 1.5 * (texture(cloth_map, place * 2.2 + seed).ba - 0.502);
    vec3 rise = folds.x * eye_right + folds.y * eye_up;
    float hem = mix(0.6, 1.0, smoothstep(0.0, 0.006, covered));
    return shade(at, normalize(normal - rise + normal * dot(normal, rise)), albedo, vec3(0.1), 0.85, 0.3, hem, shadow);
}

void main() {
    if (!clothed()) discard;
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    shadow = lit(at, normal);
    colour = vec4(min(cloth_shade(normal), 60.0), 1.0);
}

out vec4 colour;
uniform vec3 skin, melanin, blood;  // albedo, and what more pigment or blood multiply it by
uniform float freckles, redness, skin_detail, oil, age;
uniform vec3 hair_colour, brow_colour;
uniform float brow_density, beard_density;
uniform vec3 lips; uniform float lip_gloss;
uniform vec4 eye_makeup;
uniform vec3 cloth_colour[2]; uniform vec2 cloth_pattern;
uniform vec3 eye_centre[2], eye_gaze[2]; uniform float eye_radius[2];
uniform vec3 eye_up, eye_right;
uniform vec3 iris; uniform vec2 iris_size; uniform float sclera;
uniform vec3 teeth;
uniform float lash;
float shadow;

float square(float x) { return x * x; }

vec3 bumped(vec3 normal, float scale, float amount) {
    return normalize(normal - 0.5 * amount * noise_slope(r * scale + seed));
}

vec3 skin_shade(vec3 normal) {
    float x = abs(r.x), blotch = noise2(r * 45.0 + seed), fine = noise2(r * 260.0 + seed);
    vec3 albedo = skin * pow(melanin, vec3(0.5 * (blotch - 0.5) + 0.25 * (fine - 0.5)));
    // blood: cheeks, nose, ears, about the eyes
    float cheek = exp(-square(length(vec2(x - 0.042, r.y + 0.042)) / 0.018));
    float tip = exp(-square(length(vec2(r.x, r.y + 0.038)) / 0.012));
    float red = redness * (0.8 * cheek + 0.7 * tip + 0.7 * m.y + 0.5 * (noise(r * 90.0 + 3.0 * seed) - 0.4));
    float socket = exp(-square(length(vec2(x - 0.03, (r.y + 0.008) * 1.2)) / 0.017));
    albedo *= pow(blood, vec3(red + 0.35 * socket)) * mix(1.0, 0.8, socket * age);
    float spots = smoothstep(0.66, 0.9, noise(r * 700.0 + seed * 7.0)) * freckles * (0.4 + cheek + tip);
    albedo *= pow(melanin, vec3(0.8 * spots));
    albedo = mix(albedo, albedo * lips, 0.85 * smoothstep(0.25, 0.75, m.x));
    albedo = mix(albedo, albedo * 0.3 * vec3(1.0, 0.35, 0.35), smoothstep(0.2, 0.8, m.z));
    float lid = exp(-square(length(vec2(x - 0.03, (r.y - 0.006) * 1.6)) / 0.014));
    albedo = mix(albedo, eye_makeup.rgb, eye_makeup.a * lid * (1.0 - smoothstep(0.0, 1.0, m.x)));
    float strand = noise(vec3(x * 700.0 + r.y * 300.0, r.y * 120.0 - x * 160.0, seed));
    float brow = brow_mask() * brow_density;
    albedo = mix(albedo, brow_colour, clamp(brow * smoothstep(0.15, 0.65, strand + brow - 0.35), 0.0, 0.96));
    float whisker = noise(vec3(r.x * 900.0, r.y * 300.0, r.z * 900.0) + seed);
    float beard = beard_mask() * beard_density;
    albedo = mix(albedo, hair_colour, clamp(beard * smoothstep(0.0, 0.75, whisker + beard - 0.4), 0.0, 0.92));
    float openness = mix(1.0, 0.25, smoothstep(0.1, 0.9, m.z));
    openness *= 1.0 - 0.45 * exp(-square((r.y - mouth_height) / 0.0018)) * smoothstep(0.026, 0.02, x) * smoothstep(0.0, 0.01, r.z);
    openness *= 1.0 - 0.35 * socket;
    float shine = mix(1.0, 0.3, max(brow, beard)) * (1.0 + lip_gloss * m.x);
    float rough = mix(0.62, 0.38, oil) + 0.1 * (fine - 0.5) - 0.15 * m.x * lip_gloss;
    normal = bumped(normal, 420.0, skin_detail * (1.0 + m.x + 2.0 * max(brow, beard)));
    return shade(at, normal, albedo, vec3(0.42, 0.18, 0.12), rough, shine, openness, shadow);
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

vec3 eye_shade(int side) {
    vec3 d = normalize(at - eye_centre[side]), gaze = eye_gaze[side];
    float angle = acos(clamp(dot(d, gaze), -1.0, 1.0));
    vec3 around = d - gaze * dot(d, gaze);
    float turn = atan(dot(around, eye_up), dot(around, eye_right));
    float radius = angle / iris_size.x;
    float fibres = noise(vec3(cos(turn) * 9.0, sin(turn) * 9.0, radius * 2.0 + seed)) + 0.5 * noise(vec3(cos(turn) * 23.0, sin(turn) * 23.0, seed));
    vec3 coloured = iris * (0.55 + 0.6 * fibres) * (1.0 - 0.65 * smoothstep(0.75, 1.0, radius));
    coloured = mix(vec3(0.006), coloured, smoothstep(iris_size.y - 0.05, iris_size.y + 0.05, radius));
    vec3 white = vec3(0.82, 0.78, 0.75) * sclera;
    white = mix(white, white * vec3(1.0, 0.72, 0.68), 0.5 * smoothstep(0.9, 1.5, angle) + 0.25 * noise(d * 30.0));
    vec3 albedo = mix(coloured, white, smoothstep(0.93, 1.07, radius));
    float height = dot(d, eye_up);
    float openness = mix(0.9, 0.25, smoothstep(0.1, 0.45, height)) * mix(0.5, 1.0, smoothstep(-0.75, -0.3, height));
    openness *= mix(1.0, 0.45, smoothstep(0.45, 0.95, abs(dot(d, eye_right))));
    vec3 base = shade(at, d, albedo, vec3(0.25, 0.15, 0.15), 0.5, 0.0, openness, shadow);
    // the cornea bulges: its normal leans out from the gaze
    vec3 v = normalize(-at), cornea = normalize(mix(d, normalize(d - 0.45 * gaze), 1.0 - smoothstep(0.8, 1.2, radius)));
    vec3 gloss = key_colour * shadow * specular(cornea, key_direction, v, 0.16);
    for (int i = 0; i < 2; ++i) gloss += fill_colour[i] * specular(cornea, fill_direction[i], v, 0.2);
    return base + gloss + 0.035 * openness * ambient_light(reflect(-v, cornea));
}

void main() {
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    int part = int(k.x + 0.5);
    shadow = lit(at, normal);
    vec3 c;
    float alpha = 1.0;
    if (part == 0) c = clothed() ? cloth_shade(normal) : skin_shade(normal);
    else if (part <= 2) c = eye_shade(part - 1);
    else if (part <= 4) {
        float gap = smoothstep(0.0, 0.25, abs(fract(abs(r.x) * 135.0) - 0.5) * 2.0);
        float depth = smoothstep(-0.035, 0.02, r.z);
        c = shade(at, normal, teeth * mix(0.55, 1.0, 1.0 - 0.6 * (1.0 - gap)) * (0.15 + 0.85 * depth), vec3(0.3, 0.25, 0.2), 0.3, 0.8, 0.15 + 0.4 * depth, shadow);
    } else if (part == 5) c = shade(at, bumped(normal, 500.0, 0.5), skin * lips * vec3(0.9, 0.7, 0.75), vec3(0.4, 0.2, 0.2), 0.4, 0.8, 0.35, shadow);
    else {
        // lashes: thin dark hairs
        alpha = lash * smoothstep(0.35, 0.75, noise(vec3(r.x * 1500.0, r.y * 60.0, seed)));
        if (alpha < 0.05) discard;
        c = 0.4 * shade(at, normal, brow_colour, vec3(0.2), 0.6, 0.2, 0.6, shadow);
    }
    colour = vec4(min(c, 60.0), alpha);
}

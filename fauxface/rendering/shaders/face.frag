out vec4 colour;
in vec3 tone; in vec4 s; in vec2 chart;
uniform sampler2D wrinkles, spots, pores, iris_map;
uniform vec3 melanin, blood;  // what e times as much pigment or blood multiplies the albedo by, logarithms
uniform float freckles, uneven, pore_depth, roughness;
uniform vec4 moles[3];        // place on the template and radius, metres
uniform vec3 hair_colour, brow_colour;
uniform float brow_density, beard_density;
uniform vec3 lips; uniform vec2 lip_finish;  // gloss, depth of the lines
uniform float eyeliner;
uniform vec3 cloth_colour[2]; uniform vec2 cloth_pattern;
uniform vec3 eye_centre[2], eye_gaze[2]; uniform float eye_radius[2];
uniform vec3 eye_up, eye_right;
uniform vec4 lids[4];         // height of right upper, lower, left upper, lower lid: cubics of the place across the eye
uniform vec2 eye_ends[2];     // where lids meet across an eye: inner, outer corner
uniform vec3 iris[2]; uniform vec2 iris_size; uniform vec2 sclera;  // whiteness, veins
uniform vec3 teeth, gums;
uniform float lash, mouth_open;
uniform float soft_light;       // 1: scattering and shadows; 0: neither
float shadow;

float square(float x) { return x * x; }

vec3 bumped(vec3 normal, float scale, float amount) {
    return normalize(normal - 0.5 * amount * noise_slope(r * scale + seed));
}

// The normal of a surface whose height rises by slope.x along ``right`` and slope.y along ``up``.
vec3 raised(vec3 normal, vec2 slope, vec3 right, vec3 up) {
    vec3 rise = slope.x * right + slope.y * up;
    return normalize(normal - rise + normal * dot(normal, rise));
}

vec3 skin_shade(vec3 normal) {
    vec4 spot = texture(spots, chart / 0.064 + seed * 0.37), pore = texture(pores, chart / 0.018 + seed * 0.53);
    vec2 place = vec2(abs(r.x) / 0.075, (r.y + 0.115) / 0.18);
    vec3 fold = texture(wrinkles, clamp(place + 0.004 * (spot.rg - 0.5), 0.002, 0.998)).rgb;
    float more_melanin = uneven * 1.3 * (spot.r - 0.5) + freckles * spot.b, more_blood = uneven * 2.0 * (spot.g - 0.5);
    for (int i = 0; i < 3; ++i) {
        float away = length(r - moles[i].xyz) / moles[i].w;
        more_melanin += 2.2 * smoothstep(1.15, 0.75, away + 0.5 * (spot.g - 0.5));
    }
    vec3 albedo = tone * exp(melanin * more_melanin + blood * more_blood);
    float lip = smoothstep(0.3, 0.75, m.x), wet = 0.0;
    albedo = mix(albedo, lips * exp(0.35 * blood * (spot.g - 0.5)), 0.9 * lip);
    // the lips' dark seam, and the mouth's inside
    float inner = smoothstep(0.15, 0.8, m.z);
    albedo = mix(albedo, albedo * vec3(0.55, 0.3, 0.3), inner);
    float strand = noise(vec3(abs(r.x) * 700.0 + r.y * 300.0, r.y * 120.0 - abs(r.x) * 160.0, seed));
    float brow = brow_mask() * brow_density;
    albedo = mix(albedo, brow_colour, clamp(brow * smoothstep(0.15, 0.65, strand + brow - 0.35), 0.0, 0.96));
    float beard = beard_mask() * beard_density;
    float whisker = beard > 0.0 ? noise(vec3(r.x * 900.0, r.y * 300.0, r.z * 900.0) + seed) : 0.0;
    albedo = mix(albedo, hair_colour, clamp(beard * smoothstep(0.0, 0.75, whisker + beard - 0.4), 0.0, 0.92));
    float crease = s.x * fold.b;
    float openness = s.y * mix(1.0, 0.25, inner) * (1.0 - 0.6 * min(crease, 1.0));
    albedo *= exp(0.5 * blood * min(crease, 1.2)) * mix(1.0, 0.72, smoothstep(0.45, 0.05, s.y));  // light lost in folds and nostrils
    // wrinkles and pores bend the light; lips have lines of their own
    vec3 across = normalize(cross(eye_up, normal) + 1e-4 * eye_right), along = cross(normal, across);
    vec2 slope = (fold.rg - 0.502) * 4.0 * s.x * vec2(r.x < 0.0 ? -1.0 : 1.0, 1.0);
    vec3 bent = raised(normal, slope, eye_right, eye_up);
    vec2 fine = (pore.rg - 0.502) * pore_depth * (1.0 - lip) + vec2((pore.a - 0.502) * lip_finish.y * lip, 0.0);
    bent = raised(bent, fine, across, along);
    float hairy = max(brow, beard);
    float shine = mix(s.z, 0.35, max(0.0, hairy)) * mix(1.0, lip_finish.x, lip) * (1.0 - 0.5 * pore.b);
    float rough = roughness - 0.12 * s.z + 0.12 * (spot.a - 0.5) - lip * 0.12 * min(lip_finish.x, 1.6);
    vec3 wrap = mix(vec3(0.16, 0.07, 0.045), vec3(0.5, 0.21, 0.13), s.w) * soft_light;
    vec3 c = shade(at, bent, albedo, wrap, clamp(rough, 0.2, 0.8), shine, openness, shadow);
    if (m.y > 0.1 && r.z < -0.03) {
        // thin ears let light through, red
        float through = lit(at - 0.012 * normal, -normal);
        c += soft_light * m.y * 0.35 * shade(at, -normal, albedo * vec3(1.0, 0.28, 0.16), wrap, 0.9, 0.0, 0.0, through);
    }
    return c;
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
    vec3 d = normalize(at - eye_centre[side]), gaze = eye_gaze[side], v = normalize(-at);
    float angle = acos(clamp(dot(d, gaze), -1.0, 1.0));
    vec3 around = d - gaze * dot(d, gaze);
    float turn = atan(dot(around, eye_up), dot(around, eye_right)) / 6.2832;
    float radius = angle / iris_size.x, into = clamp((radius - iris_size.y) / (1.0 - iris_size.y), 0.0, 1.0);
    vec4 grain = texture(iris_map, vec2(turn + 0.31 * seed + 0.5 * float(side), clamp(into, 0.02, 0.98)));
    vec4 thread = texture(iris_map, vec2(turn + 0.17 * seed, clamp((angle - iris_size.x) / 0.9, 0.02, 0.98)));
    // fibres, a ring about the pupil in another colour, flecks, and a dark rim
    vec3 coloured = mix(iris[0], iris[1], clamp(1.1 * grain.g + 0.4 * grain.b, 0.0, 1.0)) * (0.35 + 1.3 * grain.r);
    coloured *= 1.0 - 0.75 * smoothstep(0.74, 1.0, radius);
    coloured = mix(vec3(0.004), coloured, smoothstep(iris_size.y - 0.05, iris_size.y + 0.05, radius));
    float x = dot(d, eye_right), y = dot(d, eye_up);
    vec3 place = vec3(1.0, x, x * x);
    vec4 powers = vec4(place, x * x * x);
    float top = dot(lids[2 * side], powers) - y, bottom = y - dot(lids[2 * side + 1], powers);
    float inside = abs(x - eye_ends[side].x), outside = abs(x - eye_ends[side].y);
    vec3 white = vec3(0.66, 0.60, 0.56) * sclera.x;
    float corner = smoothstep(0.55, 0.05, inside);
    float red = 0.3 * smoothstep(0.35, 0.0, bottom) + 0.35 * smoothstep(0.5, 0.1, outside) + 0.55 * corner + sclera.y * thread.a;
    white *= pow(vec3(0.93, 0.55, 0.5), vec3(red));
    vec3 albedo = mix(coloured, white, smoothstep(0.92, 1.08, radius));
    albedo = mix(albedo, vec3(0.42, 0.16, 0.14), smoothstep(0.26, 0.12, inside));  // caruncle
    // the lids and lashes shade the ball
    float openness = mix(0.25, 1.0, smoothstep(-0.02, 0.42, top)) * mix(0.45, 1.0, smoothstep(-0.05, 0.22, bottom));
    openness *= mix(0.55, 1.0, smoothstep(0.0, 0.4, inside)) * mix(0.5, 1.0, smoothstep(0.0, 0.4, outside));
    float under = mix(0.35, 1.0, smoothstep(0.0, 0.24, top));
    vec3 base = shade(at, d, albedo * under, vec3(0.35, 0.25, 0.22) * soft_light, 0.5, 0.0, openness, shadow);
    // the cornea bulges: its normal leans out from the gaze; the white is wet as well
    vec3 cornea = normalize(mix(d, normalize(d - 0.42 * gaze), 1.0 - smoothstep(0.85, 1.25, radius)));
    vec3 gloss = shade(at, cornea, vec3(0.0), vec3(0.1), 0.14, 1.3, under, shadow);
    gloss += 0.03 * under * reflected(reflect(-v, cornea), 0.1);
    // tears along the lower lid catch the light
    float tears = smoothstep(0.1, 0.04, bottom) * smoothstep(-0.06, 0.0, bottom);
    return base + gloss + tears * 0.06 * ambient_light(normalize(eye_up + v));
}

void main() {
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    int part = int(k.x + 0.5);
    shadow = mix(1.0, lit(at, normal), soft_light);
    vec3 c;
    float alpha = 1.0;
    if (part == 0) c = clothed() ? cloth_shade(normal) : skin_shade(normal);
    else if (part <= 2) c = eye_shade(part - 1);
    else if (part <= 4) {
        float gap = smoothstep(0.0, 0.25, abs(fract(abs(r.x) * 135.0) - 0.5) * 2.0);
        float depth = smoothstep(-0.035, 0.02, r.z);
        c = shade(at, normal, teeth * mix(0.55, 1.0, 1.0 - 0.6 * (1.0 - gap)) * (0.15 + 0.85 * depth), vec3(0.3, 0.25, 0.2), 0.3, 0.8, 0.15 + 0.4 * depth, shadow);
    } else if (part == 5) c = shade(at, bumped(normal, 500.0, 0.5), gums, vec3(0.4, 0.2, 0.2), 0.4, 0.8, 0.35, shadow);
    else {
        // lashes: thin dark hairs
        alpha = lash * smoothstep(0.35, 0.75, noise(vec3(r.x * 1500.0, r.y * 60.0, seed)));
        if (alpha < 0.05) discard;
        c = 0.4 * shade(at, normal, brow_colour, vec3(0.2), 0.6, 0.2, 0.6, shadow);
    }
    colour = vec4(min(c, 60.0), alpha);
}

// Skin, with lips and brows painted on it. Numbers are by eye, on renders.
out vec4 colour;
in vec3 tone; in vec4 s; in vec2 chart, t;
uniform sampler2D brow_hairs;   // where hairs are (the lower the more), how light they are
uniform sampler2D wrinkles, spots, pores, skin_map;
uniform float skin_share;     // 1: a skin of the asset pack is laid over ours
uniform vec3 melanin, blood;  // factors of the albedo for e times as much pigment or blood, logarithms
uniform float freckles, uneven, pore_depth, roughness;
uniform vec4 moles[3];        // place on the template and radius, metres
uniform vec3 brow_colour;
uniform float brow_density;
uniform vec3 lips; uniform vec2 lip_finish;  // gloss, depth of the lines
uniform vec3 eye_up, eye_right;
float shadow;

// The normal of a surface whose height rises by slope.x along ``right`` and slope.y along ``up``.
vec3 raised(vec3 normal, vec2 slope, vec3 right, vec3 up) {
    vec3 rise = slope.x * right + slope.y * up;
    return normalize(normal - rise + normal * dot(normal, rise));
}

vec3 skin_shade(vec3 normal) {
    vec4 spot = texture(spots, chart / 0.064 + seed * 0.37), pore = texture(pores, chart / 0.018 + seed * 0.53);
    vec2 place = vec2(abs(r.x) / 0.075, (r.y + 0.115) / 0.18);
    vec3 fold = texture(wrinkles, clamp(place + 0.004 * (spot.rg - 0.5), 0.002, 0.998)).rgb;
    // freckles come where the sun shines: over nose and cheeks
    float sunny = smoothstep(-0.06, -0.025, r.y) * smoothstep(0.035, 0.0, r.y);
    float more_melanin = (0.2 + 0.8 * uneven) * (spot.r - 0.5) + freckles * (0.15 + 0.85 * sunny) * spot.b, more_blood = (0.4 + 1.3 * uneven) * (spot.g - 0.5);
    for (int i = 0; i < 3; ++i) {
        float away = length(r - moles[i].xyz) / moles[i].w;
        more_melanin += 2.2 * smoothstep(1.15, 0.75, away + 0.5 * (spot.g - 0.5));
    }
    vec3 albedo = tone * exp(melanin * more_melanin + blood * more_blood);
    if (skin_share > 0.5) albedo *= 2.0 * pow(texture(skin_map, t).rgb, vec3(2.2));
    float lip = smoothstep(0.2, 0.9, m.x);
    albedo = mix(albedo, lips * exp(0.35 * blood * (spot.g - 0.5)), 0.85 * lip);
    // the lips' dark seam, and the mouth's inside
    float inner = smoothstep(0.15, 0.8, m.z);
    albedo = mix(albedo, albedo * vec3(0.55, 0.3, 0.3), inner);
    // brows are hairs over a soft ground: fewer at both ends and over both edges; seen from afar the ground is left, and
    // where they are sparse the ground is what keeps them from being a few dashes
    vec3 place_in_brow = brow_place(2.0 * brow_extent.z);
    vec3 hairs = texture(brow_hairs, vec2(place_in_brow.x, 0.25 * (floor(mod(7.0 * seed, 4.0)) + clamp(0.1 + 0.8 * place_in_brow.y, 0.02, 0.98)))).rgb;
    float ends = smoothstep(-0.05, 0.22, place_in_brow.x) * smoothstep(1.08, 0.6, place_in_brow.x);
    float body = smoothstep(-0.15, 0.3, place_in_brow.y) * smoothstep(1.2, 0.6, place_in_brow.y);
    float brow = place_in_brow.z * brow_density * mix(0.5, 1.0, ends) * mix(0.75, 1.0, body);
    brow = clamp(brow + min(1.0, 2.2 * brow) * (0.5 - hairs.r), 0.0, 0.92);
    albedo = mix(albedo, brow_colour * (0.6 + 0.8 * hairs.g), brow);
    float crease = s.x * fold.b;
    float openness = s.y * mix(1.0, 0.25, inner) * (1.0 - 0.35 * min(crease, 1.0));
    albedo *= exp(0.4 * blood * min(crease, 1.2)) * mix(1.0, 0.72, smoothstep(0.3, 0.05, s.y));  // light lost in folds and nostrils
    // wrinkles and pores bend the light; lips have lines of their own
    vec3 across = normalize(cross(eye_up, normal) + 1e-4 * eye_right), along = cross(normal, across);
    vec2 slope = (fold.rg - 0.502) * 4.0 * s.x * vec2(r.x < 0.0 ? -1.0 : 1.0, 1.0);
    vec3 bent = raised(normal, slope, eye_right, eye_up);
    vec2 fine = (pore.rg - 0.502) * pore_depth * (1.0 - lip) + vec2((pore.a - 0.502) * lip_finish.y * lip, 0.0);
    bent = raised(bent, fine, across, along);
    float shine = mix(s.z, 0.35, brow) * mix(1.0, lip_finish.x, lip) * (1.0 - 0.5 * pore.b);
    float rough = roughness - 0.12 * s.z + 0.12 * (spot.a - 0.5) - lip * 0.12 * min(lip_finish.x, 1.6);
    vec3 wrap = mix(vec3(0.16, 0.07, 0.045), vec3(0.5, 0.21, 0.13), s.w);
    vec3 c = shade(at, normalize(mix(normal, bent, mix(0.45, 0.7, lip))), bent, albedo, wrap, clamp(rough, 0.2, 0.8), shine, openness, shadow);
#ifdef EARS
    // thin ears let light through, red
    float through = lit(at - 0.012 * normal, -normal), ear = m.y * smoothstep(-0.025, -0.035, r.z);
    c += soft_light * ear * 0.35 * shade(at, -normal, albedo * vec3(1.0, 0.28, 0.16), wrap, 0.9, 0.0, 0.0, through);
#endif
    return c;
}

void main() {
    if (clothed()) discard;
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    shadow = lit(at, normal);
    colour = vec4(min(skin_shade(normal), 60.0), 1.0);
}

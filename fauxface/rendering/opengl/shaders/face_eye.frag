// Eyeballs: iris, white, the lids' shade on them, and the wet surface over all. Numbers are by eye, on renders.
out vec4 colour;
in vec3 at;
in vec2 k;
uniform vec3 eye_centre[2], eye_gaze[2];
uniform vec3 eye_up, eye_right;
uniform vec4 lids[4];         // height of right upper, lower, left upper, lower lid: cubics of the place across the eye
uniform vec2 eye_ends[2];     // where lids meet across an eye: inner, outer corner
uniform sampler2D iris_map;
uniform vec3 iris[2]; uniform vec2 iris_size; uniform vec2 sclera;  // whiteness, veins
uniform float seed;

vec3 eye_shade(int side, float shadow) {
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
    // the cornea gathers light on the iris's side away from the lamp
    coloured *= 1.0 + 0.6 * dot(around, -key_direction) / iris_size.x;
    float x = dot(d, eye_right), y = dot(d, eye_up);
    vec3 place = vec3(1.0, x, x * x);
    vec4 powers = vec4(place, x * x * x);
    float top = dot(lids[2 * side], powers) - y, bottom = y - dot(lids[2 * side + 1], powers);
    float inside = abs(x - eye_ends[side].x), outside = abs(x - eye_ends[side].y);
    vec3 white = vec3(0.43, 0.395, 0.37) * sclera.x;
    float corner = smoothstep(0.55, 0.05, inside);
    float red = 0.2 * smoothstep(0.3, 0.0, bottom) + 0.25 * smoothstep(0.5, 0.1, outside) + 0.3 * corner + sclera.y * thread.a;
    white *= pow(vec3(0.93, 0.55, 0.5), vec3(red));
    vec3 albedo = mix(coloured, white, smoothstep(0.86, 1.1, radius));
    albedo = mix(albedo, vec3(0.42, 0.16, 0.14), smoothstep(0.26, 0.12, inside));  // caruncle
    // the lids and lashes shade the ball
    float openness = mix(0.2, 0.9, smoothstep(-0.02, 0.5, top)) * mix(0.5, 1.0, smoothstep(-0.05, 0.22, bottom));
    openness *= mix(0.55, 1.0, smoothstep(0.0, 0.4, inside)) * mix(0.5, 1.0, smoothstep(0.0, 0.4, outside));
    float under = mix(0.3, 1.0, smoothstep(0.0, 0.3, top)) * mix(0.7, 1.0, openness);
    vec3 base = shade(at, d, albedo * under, vec3(0.35, 0.25, 0.22), 0.5, 0.0, openness, shadow);
    // the cornea bulges: its normal leans out from the gaze; the white is wet as well
    vec3 cornea = normalize(mix(d, normalize(d - 0.42 * gaze), 1.0 - smoothstep(0.85, 1.25, radius)));
    vec3 gloss = shade(at, cornea, vec3(0.0), vec3(0.1), 0.16, 0.6, under, shadow);
    // the wet surface mirrors the surroundings: the sky, windows; lids and brow hide its upper part
    gloss += (0.035 + 0.2 * pow(1.0 - clamp(dot(cornea, v), 0.0, 1.0), 5.0)) * under * under * min(reflected(reflect(-v, cornea), 0.25), 12.0);
    // tears along the lower lid catch the light
    float tears = smoothstep(0.1, 0.04, bottom) * smoothstep(-0.06, 0.0, bottom);
    return base + gloss + tears * 0.025 * ambient_light(normalize(eye_up + v));
}

void main() {
    int side = int(k.x + 0.5) - 1;
    vec3 normal = normalize(at - eye_centre[side]);
    colour = vec4(min(eye_shade(side, lit(at, normal)), 60.0), 1.0);
}

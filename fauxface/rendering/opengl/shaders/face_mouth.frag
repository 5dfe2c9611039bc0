// Teeth, gums and tongue, darker the deeper in the mouth. Numbers are by eye, on renders.
out vec4 colour;
in vec3 n, r;
in vec4 m;        // of a tooth: across it −1…1, gum line 0 … edge 1, its number / 12, 1
uniform sampler2D pores;
uniform vec3 teeth, gums;
uniform vec3 eye_up, eye_right;
uniform float mouth_open, seed;

void main() {
    if (!between_lips()) discard;
    vec3 normal = normalize(n - 1e-6 * at);
    if (!gl_FrontFacing) normal = -normal;
    float shadow = lit(at, normal);
    float depth = smoothstep(-0.03, 0.018, r.z);
    float openness = (0.08 + 0.92 * depth * depth) * mix(0.5, 0.9, smoothstep(0.002, 0.018, mouth_open));
    vec3 c;
    if (m.w > 0.5) {
        // gums end in an arc about each tooth's neck and reach down between teeth
        float gum = smoothstep(0.03, -0.03, m.y - 0.07 - 0.16 * m.x * m.x * m.x * m.x);
        float one = fract(sin(floor(m.z * 12.0) * 12.9898 + seed) * 43758.5);
        vec3 enamel = teeth * mix(vec3(0.93, 0.86, 0.74), vec3(1.0), smoothstep(0.05, 0.5, m.y)) * (0.93 + 0.1 * one);
        enamel = mix(enamel, enamel * vec3(0.82, 0.87, 0.93), smoothstep(0.8, 1.0, m.y));  // clear towards the edge
        enamel *= mix(1.0, 0.35, smoothstep(0.88, 1.0, abs(m.x)) * (1.0 - gum));
        vec3 albedo = mix(enamel, gums, gum);
        c = shade(at, normal, albedo * mix(0.55, 1.0, openness), mix(vec3(0.35, 0.3, 0.25), vec3(0.4, 0.2, 0.15), gum), 0.25, 1.2, openness, shadow);
    } else {
        vec4 grain = texture(pores, r.xz * 90.0);
        vec3 rise = (grain.r - 0.5) * eye_right + (grain.g - 0.5) * eye_up;
        vec3 albedo = gums * vec3(1.05, 1.0, 1.0) * (1.0 - 0.35 * exp(-r.x * r.x / 4e-6)) * (0.8 + 0.4 * grain.b);
        c = shade(at, normalize(normal - 0.7 * rise), albedo * mix(0.25, 1.0, depth), vec3(0.4, 0.2, 0.15), 0.35, 0.9, openness, shadow);
    }
    colour = vec4(min(c, 60.0), 1.0);
}

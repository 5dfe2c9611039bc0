// Hair is lit at its vertices: ribbons are narrow and overlap many times, so that pixels would cost ten times as much.
// Numbers here and in hair.frag are by eye, on renders.
invariant gl_Position;
in vec3 position, normal, tangent;
in vec4 place;      // texture u and v, cover, openness
in vec2 tone;       // from root to tip, random number of the lock
uniform mat4 projection;
out vec4 p;
out vec2 o;
out vec3 matt, glow;  // light that strands scatter; gloss of the lamps without shadows and of what is around
out vec4 gloss;       // the key light that strands mirror, and where on them: sine of the angle to the highlight

void main() {
    p = place; o = tone;
    gl_Position = projection * vec4(position, 1.0);
    vec3 v = normalize(-position), n = normalize(normal + 1e-5 * v), t = normalize(tangent + 1e-5 * v.yzx);
    // the far side of hanging hair is seen from within: little light gets there
    float openness = place.w * mix(0.4, 1.0, smoothstep(-0.35, 0.05, dot(n, v)));
    float shadow = lit(position + 0.004 * n, n);
    vec3 wrap = vec3(0.3, 0.25, 0.2);
    matt = shade(position, n, vec3(1.0), wrap, 0.8, 0.0, openness, shadow) * mix(0.55, 1.0, openness);
    gloss = vec4(key_colour * shadow * openness * smoothstep(-0.3, 0.4, dot(n, key_direction)), dot(t, normalize(key_direction + v)));
    // strands mirror the surroundings in a cone about them; what lies outermost on it is least hidden
    float along = dot(v, t);
    vec3 mirrored = sqrt(max(0.0, 1.0 - along * along)) * normalize(n - dot(n, t) * t + 1e-4 * v) - along * t;
    glow = 0.8 * openness * ambient_light(mirrored);
    for (int i = 0; i < 2; ++i) {
        float d = dot(t, normalize(fill_direction[i] + v)) + 0.1;
        glow += fill_colour[i] * openness * smoothstep(-0.3, 0.4, dot(n, fill_direction[i])) * exp(-25.0 * d * d);
    }
}

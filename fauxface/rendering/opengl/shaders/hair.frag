in vec2 o;
in vec3 matt, glow;
in vec4 gloss;
out vec4 colour;
uniform vec3 hair_colour, streak_colour;
uniform float grey, hair_shine, roots, streaks;
void main() {
    vec4 s = texture(strands, p.xy, CRISP);
    float alpha = cover(s);
    if (alpha < 0.05) discard;
    float streaked = clamp(5.0 * (1.3 * streaks - 0.6 * o.y - 0.4 * s.b), 0.0, 1.0) * smoothstep(0.05, 0.3, o.x);
    vec3 base = mix(hair_colour, streak_colour, 0.75 * streaked);
    base *= mix(1.0 - 0.55 * roots, 1.0, smoothstep(0.05, 0.35, o.x));
    // grey strands among others, most of them finer than pixels
    float greyed = clamp(1.1 * grey + 1.4 * grey * (1.0 - grey) * (1.0 - 1.3 * s.b - 0.7 * o.y), 0.0, 1.0);
    base = mix(base, vec3(0.48, 0.47, 0.46), greyed);
    // light hair passes light on from strand to strand: it has less of both dark gaps and bright edges
    float even = 0.6 * smoothstep(0.05, 0.5, dot(base, vec3(0.2126, 0.7152, 0.0722)));
    vec3 albedo = min(base * mix(0.3 + 1.4 * s.g, 1.0, even) * (0.88 + 0.24 * o.y), 0.75);
    // two highlights across the strands, the second one coloured and shifted to the tips (Marschner et al. 2003)
    float d = gloss.w + 0.25 * (s.g - 0.5), first = exp(-60.0 * (d - 0.08) * (d - 0.08)), second = exp(-16.0 * (d + 0.12) * (d + 0.12));
    vec3 c = albedo * matt + (0.25 + 0.5 * s.g) * hair_shine * (gloss.rgb * (0.28 * first + 1.1 * albedo * second) + glow * (0.07 + 0.6 * albedo));
    colour = vec4(min(c, 60.0), alpha);  // not premultiplied: alpha picks samples, each of which is opaque
}

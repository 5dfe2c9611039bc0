out vec4 colour;
uniform vec3 hair_colour, streak_colour;
uniform float grey, hair_shine, roots, streaks;
void main() {
    vec4 s = texture(strands, p.xy);
    float alpha = cover(s);
    if (alpha < 0.05) discard;
    vec3 v = normalize(-at), normal = normalize(n + 1e-5 * v);
    // the far side of hanging hair is seen from within: little light gets there
    float inner = dot(normal, v) < -0.1 ? 0.45 : 1.0;
    vec3 along = normalize(t + 1e-5 * v + 0.5 * (s.g - 0.5) * normal);
    vec3 base = mix(hair_colour, streak_colour, step(o.y, streaks) * smoothstep(0.0, 0.3, o.x));
    base *= mix(1.0 - 0.55 * roots, 1.0, smoothstep(0.05, 0.35, o.x));
    base = mix(base, vec3(0.55, 0.54, 0.53), smoothstep(0.0, 0.25, grey * 1.25 - 0.6 * s.b - 0.4 * o.y) * min(1.0, 0.6 + grey));
    vec3 albedo = base * (0.35 + 1.3 * s.g) * (0.8 + 0.4 * o.y);
    normal = normalize(normal + 0.7 * (s.g - 0.5) * cross(along, normal));
    float shadow = lit(at, normal), openness = p.w * inner * (0.6 + 0.4 * s.g);
    vec3 c = shade(at, normal, albedo, vec3(0.3, 0.25, 0.2), 0.8, 0.05, openness, shadow) * mix(0.6, 1.0, openness);
    // two highlights across the strands, the second one coloured and shifted to the tips (Marschner et al. 2003)
    for (int i = 0; i < 3; ++i) {
        vec3 l = i == 0 ? key_direction : fill_direction[i - 1];
        vec3 light = i == 0 ? key_colour * shadow : fill_colour[i - 1];
        float d = dot(along, normalize(l + v)), facing = smoothstep(-0.3, 0.4, dot(normal, l));
        float first = exp(-90.0 * (d - 0.08) * (d - 0.08)), second = exp(-22.0 * (d + 0.12) * (d + 0.12));
        c += light * facing * openness * s.g * hair_shine * (0.14 * first + 0.55 * albedo * second);
    }
    colour = vec4(min(c, 60.0), alpha);  // not premultiplied: alpha picks samples, each of which is opaque
}

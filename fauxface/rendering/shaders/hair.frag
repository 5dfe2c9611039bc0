out vec4 colour;
uniform vec3 hair_colour; uniform float grey, hair_shine;
void main() {
    float s = strand();
    float alpha = cover(s);
    if (alpha < 0.05) discard;
    vec3 v = normalize(-at), normal = normalize(n + 1e-5 * v);  // strands meet at the crown: no area, no normal
    if (dot(normal, v) < 0.0) normal = -normal;
    vec3 along = normalize(t + 1e-5 * v + 0.25 * (s - 0.5) * cross(t, normal));
    vec3 albedo = mix(hair_colour * (0.45 + 1.1 * s), vec3(0.55, 0.54, 0.53), grey * (0.55 + 0.45 * grey) * smoothstep(0.2, 0.7, noise(vec3(p.x * 700.0, p.y, seed + 5.0))));
    normal = normalize(normal + 0.9 * (s - 0.5) * cross(along, normal));
    float shadow = lit(at, normal);
    vec3 c = shade(at, normal, albedo, vec3(0.15), 0.8, 0.1, mix(0.35, 1.0, p.z) * mix(0.7, 1.0, s), shadow);
    // a highlight across the strands (Kajiya & Kay 1989)
    for (int i = 0; i < 3; ++i) {
        vec3 l = i == 0 ? key_direction : fill_direction[i - 1];
        vec3 tint = i == 0 ? key_colour * shadow : fill_colour[i - 1];
        float d = dot(along, normalize(l + v));
        float gloss = pow(max(0.0, 1.0 - d * d), 60.0) * step(0.0, dot(normal, l) + 0.2);
        c += tint * gloss * hair_shine * (0.25 + albedo * 1.5) * s;
    }
    colour = vec4(min(c, 60.0), alpha);  // not premultiplied: alpha picks samples, each of which is opaque
}

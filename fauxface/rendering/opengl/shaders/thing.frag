// Everything that is neither head nor hair: cloth, plastic, metal, glass, other skin. Numbers are by eye, on renders.
out vec4 colour;
uniform vec3 albedo, wrap;
uniform float roughness, metal, gloss, weave;
uniform float blended;
void main() {
    vec4 seen = texel();
    float alpha = seen.a * opacity;
    if (alpha < 0.05) discard;
    vec3 v = normalize(-at), normal = normalize(n + 1e-6 * v);
    if (dot(normal, v) < 0.0) normal = -normal;
    // where the normal turns much within a pixel, as on thin rims, what it mirrors is spread (Tokuyoshi & Kaplanyan 2019)
    vec3 across = dFdx(normal), down = dFdy(normal);
    float rough = min(1.0, sqrt(sqrt(pow(roughness, 4.0) + min(dot(across, across) + dot(down, down), 0.5))));
    vec3 base = albedo * (image_share > 0.5 ? pow(seen.rgb, vec3(2.2)) : vec3(1.0));
    float openness = 1.0;
    if (weave > 0.0) {
        vec2 threads = 0.5 + 0.5 * cos(6.2832 * t * weave);
        openness = 0.65 + 0.35 * max(threads.x, threads.y);
        base *= openness;
    }
    float shadow = lit(at, normal);
    vec3 matt = shade(at, normal, base * (1.0 - metal), wrap, rough, 0.0, openness, shadow);
    vec3 f0 = mix(vec3(0.04), base, metal);
    vec3 mirror = f0 + (1.0 - f0) * pow(1.0 - clamp(dot(normal, v), 0.0, 1.0), 5.0) * (1.0 - rough);
    vec3 glint = 20.0 * key_colour * shadow * specular(normal, key_direction, v, max(rough, 0.08)) * f0
               + reflected(reflect(-v, normal), rough) * mirror * (1.0 - 0.6 * rough);
    glint *= mix(gloss, 1.0, metal);
    if (blended > 0.5) colour = vec4(min(matt * alpha + glint, 60.0), alpha);
    else colour = vec4(min(matt + glint, 60.0), alpha);
}

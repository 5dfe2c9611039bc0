// Light from all around: the brightest lamp with a shadow map, two without, the rest as spherical harmonics; camera frame.
// Numbers are by eye, on renders, where no paper is named.
uniform vec3 key_direction, key_colour;
uniform vec3 fill_direction[2], fill_colour[2];
uniform vec3 harmonics[9];      // of 1, x, y, z, xy, yz, xz, x²−y², 3z²−1
uniform sampler2D surroundings;  // what a mirror shows, column 0 behind on the left, row 0 straight up
uniform float surroundings_gain;
uniform mat3 to_map;             // rows: camera frame → the map's
uniform mat4 shadow_matrix;
uniform sampler2DShadow shadow_map;
uniform float shadow_softness;
uniform sampler2D dapples;       // share of the key light that leaves or blinds let through
uniform vec4 dapple_place;       // scale and shift on the shadow map
uniform float soft_light;        // 1: shadows, and light that scatters below surfaces; 0: neither

// Radiance of white paper with this normal (Ramamoorthi & Hanrahan 2001).
vec3 ambient_light(vec3 n) {
    vec3 s = harmonics[0] + n.x * harmonics[1] + n.y * harmonics[2] + n.z * harmonics[3] + n.x * n.y * harmonics[4]
           + n.y * n.z * harmonics[5] + n.x * n.z * harmonics[6] + (n.x * n.x - n.y * n.y) * harmonics[7]
           + (3.0 * n.z * n.z - 1.0) * harmonics[8];
    return max(s, 0.0);
}

// Radiance that a mirror of some roughness reflects from a direction.
vec3 reflected(vec3 direction, float roughness) {
    vec3 d = direction * to_map;
    vec2 place = vec2(atan(d.x, d.z) / 6.2831853 + 0.5, acos(clamp(-d.y, -1.0, 1.0)) / 3.14159265);
    return surroundings_gain * textureLod(surroundings, place, 5.0 * roughness).rgb;
}

// The share of the key light that reaches a point.
float lit(vec3 position, vec3 n) {
    vec4 p = shadow_matrix * vec4(position + 0.0015 * n, 1.0);
    vec3 s = p.xyz * 0.5 + 0.5;
    s.z -= 0.002;
    // four taps, each of which the map filters: more would cost more than all the rest of the shading
    vec2 d = 0.7 * shadow_softness * vec2(1, -1);
    float free = 0.25 * (texture(shadow_map, s + vec3(d.xx, 0)) + texture(shadow_map, s + vec3(d.xy, 0))
                       + texture(shadow_map, s + vec3(d.yx, 0)) + texture(shadow_map, s + vec3(d.yy, 0)));
    return mix(1.0, free * texture(dapples, s.xy * dapple_place.xy + dapple_place.zw).r, soft_light);
}

// Diffuse light that wraps around the terminator, farther in red: light that travelled under the skin.
vec3 wrapped(float cosine, vec3 wrap) { return clamp((cosine + wrap) / ((1.0 + wrap) * (1.0 + wrap)), 0.0, 1.0); }

// Mostly a broad lobe, and in it a sharper one, as oil on skin makes it.
float specular(vec3 n, vec3 l, vec3 v, float roughness) {
    vec3 h = normalize(l + v);
    float a = roughness * roughness, c = max(dot(n, h), 0.0), d = c * c * (a * a - 1.0) + 1.0;
    float b = 0.4 * a, e = c * c * (b * b - 1.0) + 1.0;
    float fresnel = 0.028 + 0.972 * pow(1.0 - clamp(dot(h, v), 0.0, 1.0), 5.0);
    return fresnel * (0.8 * a * a / (d * d + 2.5e-5) + 0.2 * b * b / (e * e + 2.5e-5)) / max(1.0, 4.0 * dot(l, h)) * max(dot(n, l), 0.0);
}

// The share of the sky's light that skin, cloth, … in a hollow still gets when its walls throw light back and forth, each
// colour as much as it is reflected: hollows of skin are red and not grey (the fit of Jimenez et al. 2016, "Practical
// real-time strategies for accurate indirect occlusion").
vec3 bounced(float openness, vec3 albedo) {
    vec3 a = 2.0404 * albedo - 0.3324, b = 0.6417 - 4.7951 * albedo, c = 2.7552 * albedo + 0.6903;
    return max(vec3(openness), ((openness * a + b) * openness + c) * openness);
}

// ``soft`` is the normal for what scatters below the surface, which blurs pores and lines; ``n`` for what is mirrored on it.
vec3 shade(vec3 position, vec3 soft, vec3 n, vec3 albedo, vec3 wrap, float roughness, float shine, float openness, float shadow) {
    vec3 v = normalize(-position);
    wrap *= soft_light;
    // light bled under the skin softens the shadow's red, too
    vec3 key = wrapped(dot(soft, key_direction), wrap) * mix(vec3(shadow), vec3(sqrt(shadow)), min(3.0 * wrap, 1.0));
    vec3 open = bounced(openness, min(albedo, 0.9)), light = key_colour * key + ambient_light(soft) * open;
    vec3 gloss = key_colour * shadow * specular(n, key_direction, v, roughness);
    for (int i = 0; i < 2; ++i) {
        light += fill_colour[i] * wrapped(dot(soft, fill_direction[i]), wrap) * open;
        gloss += fill_colour[i] * specular(n, fill_direction[i], v, roughness);
    }
    float rim = pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 4.0);
    gloss += ambient_light(reflect(-v, n)) * (0.03 + 0.25 * rim) * 0.6 * openness;
    return albedo * light + gloss * shine;
}

vec3 shade(vec3 position, vec3 n, vec3 albedo, vec3 wrap, float roughness, float shine, float openness, float shadow) {
    return shade(position, n, n, albedo, wrap, roughness, shine, openness, shadow);
}

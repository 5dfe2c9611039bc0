// Value noise from an integer hash: no textures, the same on every driver.
float hash(vec3 p) {
    uvec3 q = uvec3(ivec3(p)) * uvec3(1597334673u, 3812015801u, 2798796415u);
    uint n = (q.x ^ q.y ^ q.z) * 1597334673u;
    n ^= n >> 15;
    return float(n & 0xffffffu) / 16777215.0;
}
float noise(vec3 p) {
    vec3 i = floor(p), f = p - i;
    f = f * f * (3.0 - 2.0 * f);
    vec2 o = vec2(0, 1);
    return mix(mix(mix(hash(i), hash(i + o.yxx), f.x), mix(hash(i + o.xyx), hash(i + o.yyx), f.x), f.y),
               mix(mix(hash(i + o.xxy), hash(i + o.yxy), f.x), mix(hash(i + o.xyy), hash(i + 1.0), f.x), f.y), f.z);
}
float noise2(vec3 p) { return 0.65 * noise(p) + 0.35 * noise(2.03 * p + 17.0); }

// Gradient of value noise, per unit of p.
vec3 noise_slope(vec3 p) {
    vec3 i = floor(p), f = p - i, u = f * f * (3.0 - 2.0 * f), du = 6.0 * f * (1.0 - f);
    vec2 o = vec2(0, 1);
    float a = hash(i), b = hash(i + o.yxx), c = hash(i + o.xyx), d = hash(i + o.yyx);
    float e = hash(i + o.xxy), g = hash(i + o.yxy), h = hash(i + o.xyy), k = hash(i + 1.0);
    float x0 = mix(b - a, d - c, u.y), x1 = mix(g - e, k - h, u.y);
    float y0 = mix(c - a, d - b, u.x), y1 = mix(h - e, k - g, u.x);
    float z0 = mix(e - a, g - b, u.x), z1 = mix(h - c, k - d, u.x);
    return du * vec3(mix(x0, x1, u.z), mix(y0, y1, u.z), mix(z0, z1, u.y));
}

// What a point of the bust is, from its place on the template (rest, metres): shared by colours and labels.
in vec3 at, n, r;
in vec4 m;
in vec2 k;
in float covered;
uniform float brow_lower[11], brow_upper[11];  // y of the edges at |x| = 4 mm, 10 mm, …
uniform vec3 brow_extent;     // inner |x|, outer |x|, softness
uniform float mouth_height;
uniform vec2 nose_heights;    // bridge, base
uniform float beard_length;   // 0 shaven … 1 long
uniform vec4 beard_shape;     // moustache, chin, cheeks, height on the cheek
uniform float seed;

float brow_mask() {
    float x = abs(r.x), s = brow_extent.z, place = clamp((x - 0.004) / 0.006, 0.0, 9.999);
    if (r.z < -0.03 || place <= 0.0) return 0.0;
    int i = int(place);
    float low = mix(brow_lower[i], brow_lower[i + 1], place - float(i)), high = mix(brow_upper[i], brow_upper[i + 1], place - float(i));
    float along = smoothstep(-2.0 * s, s, x - brow_extent.x) * smoothstep(-2.0 * s, s, brow_extent.y - x);
    return along * smoothstep(-s, s, high - r.y) * smoothstep(-s, s, r.y - low);
}

float beard_mask() {
    // three patches that overlap: above the lip, about the chin, along the cheeks and under the jaw
    float x = abs(r.x), y = r.y - mouth_height;
    float moustache = smoothstep(0.036, 0.026, x) * smoothstep(0.0, 0.004, y + 0.25 * max(0.0, x - 0.018))
                    * smoothstep(0.024, 0.016, y + 0.3 * x);
    float chin = smoothstep(0.034, 0.022, x) * smoothstep(-0.006, -0.014, y) + smoothstep(0.036, 0.03, x) * smoothstep(0.019, 0.026, x) * smoothstep(0.012, 0.0, y);
    float line = mix(-0.02, 0.012, beard_shape.w) + 1.1 * max(0.0, x - 0.028);
    float cheeks = smoothstep(0.006, -0.012, y - line) * smoothstep(0.016, 0.03, x + max(0.0, -y - 0.02));
    float mask = max(max(moustache * beard_shape.x, clamp(chin, 0.0, 1.0) * beard_shape.y), cheeks * beard_shape.z);
    float low = smoothstep(-0.075, -0.055, y);  // towards the throat
    return clamp(mask, 0.0, 1.0) * low * (1.0 - m.x) * (1.0 - m.z) * (1.0 - m.y) * smoothstep(0.3, 0.7, k.y) * smoothstep(-0.06, -0.045, r.z);
}

bool clothed() { return covered > 0.0; }

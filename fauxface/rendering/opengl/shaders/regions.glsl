// Regions of the bust by place on the template (rest, metres): shared by colours and labels.
in vec3 at, n, r;
in vec4 m;
in vec2 k;
centroid in float covered;
uniform float brow_lower[11], brow_upper[11];  // y of the edges at |x| = 4 mm, 10 mm, …
uniform vec3 brow_extent;     // inner |x|, outer |x|, softness
uniform float mouth_height;
uniform vec2 nose_heights;    // bridge, base
uniform float seed;

// Where in a brow: share of the way from the inner end to the outer, from the lower edge to the upper, and how far inside.
vec3 brow_place(float s) {
    float x = abs(r.x), place = clamp((x - 0.004) / 0.006, 0.0, 9.999);
    if (r.z < -0.03 || place <= 0.0) return vec3(0.0);
    int i = int(place);
    float low = mix(brow_lower[i], brow_lower[i + 1], place - float(i)), high = mix(brow_upper[i], brow_upper[i + 1], place - float(i));
    float along = smoothstep(-2.0 * s, s, x - brow_extent.x) * smoothstep(-2.0 * s, s, brow_extent.y - x);
    return vec3((x - brow_extent.x) / (brow_extent.y - brow_extent.x), (r.y - low) / max(high - low, 1e-4),
                along * smoothstep(-s, s, high - r.y) * smoothstep(-s, s, r.y - low));
}
float brow_mask() { return brow_place(brow_extent.z).z; }
bool clothed() { return covered > 0.0; }

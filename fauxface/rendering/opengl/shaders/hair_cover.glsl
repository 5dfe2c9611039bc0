// Cover of hair: shared by colours, labels and shadows.
const float CRISP = -0.8;  // finer mip levels than smooth ones: strands glitter
in vec4 p;  // texture u and v, cover, openness
uniform sampler2D strands;  // cover, lightness and a random number of each strand
uniform float softness;
float cover(vec4 s) {
    if (p.z <= 0.0) return 0.0;
    float least = 0.98 - p.z * (1.0 + softness);  // full cover leaves nothing bare
    return smoothstep(least - softness, least + softness, s.r);
}

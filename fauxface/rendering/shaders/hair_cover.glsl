// Where there is hair: shared by colours, labels and shadows.
in vec4 p;  // texture u and v, cover, openness
uniform sampler2D strands;  // cover, lightness and a random number of each strand
uniform float softness;
float cover(vec4 s) {
    float least = 0.98 - p.z * (1.0 + softness);  // full cover leaves nothing bare
    return smoothstep(least - softness, least + softness, s.r);
}

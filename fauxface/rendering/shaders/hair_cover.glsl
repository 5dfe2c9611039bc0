// Where there is hair: strands that thin out towards their tips; shared by colours, labels and shadows.
in vec3 at, n, t, p;
uniform vec3 strands;   // number around, waviness, raggedness of the tips
uniform float seed;
float strand() {
    float wave = strands.y * noise(vec3(p.y * 7.0, p.x * 40.0, seed));
    return noise2(vec3(p.x * strands.x + wave * 3.0, p.y * 3.0 + wave, 11.0 * p.z + seed));
}
float cover(float s) {
    float tip = (p.y - (1.0 - strands.z)) / strands.z;  // the last part of each strand
    return tip < 0.0 ? 1.0 : smoothstep(-0.12, 0.12, s - mix(0.2, 0.95, tip));
}

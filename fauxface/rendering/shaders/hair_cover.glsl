// Where there is hair: shared by colours, labels and shadows.
in vec3 at, n, t;
in vec4 p;
in vec2 o;
uniform sampler2D strands;  // cover, lightness and a random number of each strand
uniform float softness;
float cover(vec4 s) { return smoothstep(0.98 - p.z - softness, 0.98 - p.z + softness, s.r); }

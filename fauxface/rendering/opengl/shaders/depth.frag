// A colour as well: an output that a shader does not write may be anything, even NaN.
out vec4 colour;
void main() { colour = vec4(0.0); }

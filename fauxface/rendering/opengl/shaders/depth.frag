// A colour as well: what a shader leaves unsaid may be anything, even no number.
out vec4 colour;
void main() { colour = vec4(0.0); }

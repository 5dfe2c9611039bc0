out float label;
uniform int segment;
void main() {
    if (texel().a < 0.5) discard;
    label = float(segment) / 255.0;
}

out float label;
uniform int segment;
void main() {
    if (segment == SEGMENT_BACKGROUND || cover(texture(strands, p.xy, CRISP)) < 0.5) discard;
    label = float(segment) / 255.0;
}

out float label;
void main() {
    if (!clothed()) discard;
    label = float(SEGMENT_CLOTHING) / 255.0;
}

out float label;
void main() {
    if (!between_lips()) discard;
    label = float(SEGMENT_MOUTH_INTERIOR) / 255.0;
}

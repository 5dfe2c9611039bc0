out float label;
void main() {
    if (!between_lips()) discard;
    label = 9.0 / 255.0;
}

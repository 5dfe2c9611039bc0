out float label;
void main() {
    if (cover(strand()) < 0.5) discard;
    label = 13.0 / 255.0;
}

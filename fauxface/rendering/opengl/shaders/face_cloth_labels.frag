out float label;
void main() {
    if (!clothed()) discard;
    label = 15.0 / 255.0;
}

out float label;
void main() { label = 9.0 / 255.0; }

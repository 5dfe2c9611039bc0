in vec2 k;
out float label;
void main() { label = (k.x < 1.5 ? 3.0 : 4.0) / 255.0; }

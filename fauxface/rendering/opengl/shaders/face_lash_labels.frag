out float label;
void main() { discard; }

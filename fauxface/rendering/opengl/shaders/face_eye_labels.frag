in vec2 k;
out float label;
void main() { label = (k.x < 1.5 ? 4.0 : 3.0) / 255.0; }  // the subject's right eye is on the image's left

in vec2 k;
out float label;
void main() { label = float(k.x < 1.5 ? SEGMENT_LEFT_EYE : SEGMENT_RIGHT_EYE) / 255.0; }  // the subject's right eye is on the image's left

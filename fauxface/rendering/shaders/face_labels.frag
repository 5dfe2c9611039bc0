// FaceSynthetics' segmentation classes of the skin.
out float label;
void main() {
    float x = abs(r.x), bridge = clamp((nose_heights.x - r.y) / (nose_heights.x - nose_heights.y), 0.0, 1.0);
    int c = 1;
    if (clothed()) discard;
    else if (m.z > 0.5) c = 9;
    else if (m.x > 0.5) c = r.y > mouth_height ? 10 : 11;
    else if (m.y > 0.5) c = r.x < 0.0 ? 7 : 8;
    else if (brow_mask() > 0.5) c = r.x < 0.0 ? 5 : 6;
    else if (r.y < nose_heights.x && r.y > nose_heights.y - 0.003 && x < mix(0.008, 0.0195, bridge) && r.z > 0.0) c = 2;
    else if (k.y < 0.5) c = 12;
    label = float(c) / 255.0;
}

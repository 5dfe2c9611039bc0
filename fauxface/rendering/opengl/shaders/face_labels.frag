// FaceSynthetics' segmentation classes of the skin; what it calls right is the image's right in a facing head.
out float label;
uniform vec2 throat, mastoid;  // y and z of the throat's crease under the chin, and of the bone behind the ear lobes
void main() {
    float behind = clamp((throat.y - r.z) / (throat.y - mastoid.y), 0.0, 1.0);
    float x = abs(r.x), bridge = clamp((nose_heights.x - r.y) / (nose_heights.x - nose_heights.y), 0.0, 1.0);
    int c = 1;
    if (clothed()) discard;
    else if (m.z > 0.5) c = 9;
    else if (m.x > 0.5) c = r.y > mouth_height ? 10 : 11;
    else if (m.y > 0.5) c = r.x < 0.0 ? 8 : 7;
    else if (brow_mask() > 0.5) c = r.x < 0.0 ? 6 : 5;
    else if (r.y < nose_heights.x && r.y > nose_heights.y - 0.003 && x < mix(0.008, 0.0195, bridge) && r.z > 0.0) c = 2;
    else if (r.y < mix(throat.x, mastoid.x, behind)) c = 12;
    label = float(c) / 255.0;
}

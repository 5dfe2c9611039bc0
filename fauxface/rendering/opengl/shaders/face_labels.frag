// FaceSynthetics' segmentation classes of the skin; its right is the image's right in a facing head.
out float label;
uniform vec2 throat, mastoid;  // y and z of the throat's crease under the chin, and of the bone behind the ear lobes
void main() {
    float behind = clamp((throat.y - r.z) / (throat.y - mastoid.y), 0.0, 1.0);
    float x = abs(r.x), bridge = clamp((nose_heights.x - r.y) / (nose_heights.x - nose_heights.y), 0.0, 1.0);
    int c = SEGMENT_SKIN;
    if (clothed()) discard;
    else if (m.z > 0.5) c = SEGMENT_MOUTH_INTERIOR;
    else if (m.x > 0.5) c = r.y > mouth_height ? SEGMENT_TOP_LIP : SEGMENT_BOTTOM_LIP;
    else if (m.y > 0.5) c = r.x < 0.0 ? SEGMENT_LEFT_EAR : SEGMENT_RIGHT_EAR;
    else if (brow_mask() > 0.5) c = r.x < 0.0 ? SEGMENT_LEFT_BROW : SEGMENT_RIGHT_BROW;
    else if (r.y < nose_heights.x && r.y > nose_heights.y - 0.003 && x < mix(0.008, 0.0195, bridge) && r.z > 0.0) c = SEGMENT_NOSE;
    else if (r.y < mix(throat.x, mastoid.x, behind)) c = SEGMENT_NECK;
    label = float(c) / 255.0;
}

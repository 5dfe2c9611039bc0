// Teeth and tongue are seen between the lips only: on heads of unusual shape they may lie outside the skin elsewhere.
in vec3 at;
uniform vec2 lip_ring[8];  // edge of the lips' inner side as the camera sees it, x/z and y/z
bool between_lips() {
    vec2 p = at.xy / at.z;
    bool inside = false;
    for (int i = 0; i < 8; ++i) {
        vec2 a = lip_ring[i], b = lip_ring[(i + 1) % 8];
        if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) inside = !inside;
    }
    return inside;
}

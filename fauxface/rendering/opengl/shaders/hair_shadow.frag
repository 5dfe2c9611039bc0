// The shadow map is coarse: a small picture of the strands will do.
void main() { if (cover(textureLod(strands, p.xy, 2.0)) < 0.5) discard; }

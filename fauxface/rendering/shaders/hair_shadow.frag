void main() { if (cover(texture(strands, p.xy)) < 0.5) discard; }

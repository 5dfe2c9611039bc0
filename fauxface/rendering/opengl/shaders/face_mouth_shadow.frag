// The inside of the mouth throws no shadow: where it sticks out of the skin, the shadow would show.
void main() { discard; }

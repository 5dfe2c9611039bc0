// What is in the mouth throws no shadow: where it sticks out of the skin, that would be seen.
void main() { discard; }

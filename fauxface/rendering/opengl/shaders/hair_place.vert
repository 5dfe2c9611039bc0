invariant gl_Position;
in vec3 position;
in vec4 place;
uniform mat4 projection;
out vec4 p;
void main() { p = place; gl_Position = projection * vec4(position, 1.0); }

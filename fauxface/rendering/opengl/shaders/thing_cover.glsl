// Cover of a thing: shared by colours and labels.
centroid in vec3 at, n;
in vec2 t;
uniform sampler2D image;
uniform float image_share, opacity;
vec4 texel() { return image_share > 0.5 ? texture(image, t) : vec4(1.0); }

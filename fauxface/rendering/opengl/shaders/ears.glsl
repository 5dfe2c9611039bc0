// Ears let light through, which costs a second look at it: only their own program does.
#define EARS

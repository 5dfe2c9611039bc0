"""Things worn: glasses, headwear, facewear, jewellery and clothes, each fitted to the head that wears it."""

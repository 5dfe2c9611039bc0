"""Places that light the head and fill the background: made up, the user's own maps, or an asset pack's."""

"""Public collections of difficult files, written anew to their description: what strangers will try."""

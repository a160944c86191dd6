"""Where an archive lies: six verbs on whole objects, and the drivers that keep them."""

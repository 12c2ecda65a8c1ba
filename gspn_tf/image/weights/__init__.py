"""Published weights of networks on images, read by name and without running them."""

"""Never a black picture: what a device computes is looked at, and done again elsewhere when it is wrong."""

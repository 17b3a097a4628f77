"""The engines that speak, each a module; only worker processes import them."""

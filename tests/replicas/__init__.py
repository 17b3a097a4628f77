"""Several servers as one: behind a balancer, with a store that they share."""

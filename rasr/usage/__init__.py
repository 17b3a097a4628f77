"""What projects use of the services, as SIS bills it: services, charges, and who keeps them."""

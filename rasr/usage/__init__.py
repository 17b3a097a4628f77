"""What projects use of the services, as SIS bills it: services, charges, packages, and the meter
that keeps what was charged."""

"""The SIS real-time protocol: messages, their JSON, the error table. No socket, no clock."""

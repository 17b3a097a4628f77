"""The server within engines that run replicas of applications."""

"""What people who work on the project run now and then; nothing of it is shipped."""

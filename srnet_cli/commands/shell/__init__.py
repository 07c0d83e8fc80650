"""What a shell shows of a command: names that it completes, and examples below its help."""

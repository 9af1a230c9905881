"""What a Tracardi installation is: pure data and predicates, shared by settings, components and policies."""

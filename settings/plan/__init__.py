"""What a load needs, by both cost models, as `make plan` prints it. Nothing but a stack file is read."""

"""What programs in containers will do, told by their command lines and files."""

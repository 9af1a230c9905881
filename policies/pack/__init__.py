"""The rules, the view of a stack that they share, and the bridge between them and Pulumi's policy SDK."""

"""The topology as Pulumi components: one ComponentResource per file, and the builders that they share."""

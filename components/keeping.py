"""Whether data outlive their stack: said once, for the namespace, the stores and the credentials."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Keeping:
    """`keep` leaves a resource in the cluster when the stack lets go of it; `protect` refuses to let go."""

    keep: bool
    protect: bool

    def retained(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """`opts` for what is kept: the namespace and the credentials."""
        return pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(retain_on_delete=self.keep or None, protect=self.protect or None)
        )

    def guarded(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """`opts` for what may go with the stack, because its data stay, but not by a slip."""
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=self.protect or None))

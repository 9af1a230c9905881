"""The bridge to Pulumi's policy SDK: each rule becomes a stack policy, and all of them read one view of the stack."""

from collections.abc import Callable, Iterable

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import Severity as SdkSeverity

from policies.pack.resources import Raw, raw_resources
from policies.pack.rule import Rule
from policies.pack.stack import StackView


class Views:
    """The view of the stack that was analysed last.

    The SDK does not say which analysis a call belongs to, so a view serves for as long as policies are shown the same.
    """

    def __init__(self) -> None:
        self._shown: list[object] = []
        self._raw: tuple[Raw, ...] = ()
        self._view = StackView(())

    def of(self, args: StackValidationArgs) -> StackView:
        """A view of what a policy is shown."""
        shown: list[object] = [resource.props for resource in args.resources]
        if len(shown) != len(self._shown) or any(new is not old for new, old in zip(shown, self._shown, strict=True)):
            raw = raw_resources(args.resources)
            if raw != self._raw:
                self._raw, self._view = raw, StackView(raw)
            self._shown = shown
        return self._view


def policies(rules: Iterable[Rule]) -> list[StackValidationPolicy]:
    """The rules as policies, mandatory unless the pack's configuration says otherwise."""
    views = Views()
    return [_policy(rule, views) for rule in rules]


def _policy(rule: Rule, views: Views) -> StackValidationPolicy:
    schema = {option.name: option.schema for option in rule.options}
    return StackValidationPolicy(
        name=rule.name,
        description=rule.description,
        validate=_validation(rule, views),
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(schema) if schema else None,
        severity=SdkSeverity(rule.severity.value),
        remediation_steps=rule.remedy,
        url=rule.url,
    )


def _validation(rule: Rule, views: Views) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        configured = dict(args.get_config())
        for refusal in rule.refusals(configured):
            report(
                f"The pack's configuration is wrong: {refusal}. Correct the file given by --policy-pack-config.", None
            )
        for finding in rule.check(views.of(args), rule.values(configured)):
            report(rule.message(finding), finding.resource.urn if finding.resource else None)

    return validate

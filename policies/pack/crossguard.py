"""The bridge to Pulumi's policy SDK: each rule becomes a stack policy, and all of them read one view of the stack."""

import traceback
from collections.abc import Callable, Iterable, Iterator

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

_STACK = "pulumi:pulumi:Stack"


class RuleFailedError(Exception):
    """A rule failed itself, so that what it would have judged is not passed, whatever its level is."""

    def __init__(self, rule: Rule, error: Exception) -> None:
        # Without the words of `error`, which may repeat a value: rules see secrets in clear.
        *_, place = traceback.extract_tb(error.__traceback__)
        super().__init__(
            f"rule '{rule.name}' failed: {type(error).__name__} at {place.filename}:{place.lineno}. "
            "That is a mistake in the pack, not in the stack; nothing is accepted until it is corrected."
        )


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
        try:
            told = [*_told(rule, views, args)]
        except Exception as error:
            raise RuleFailedError(rule, error) from error
        for message, urn in told:
            report(message, urn)

    return validate


def _told(rule: Rule, views: Views, args: StackValidationArgs) -> Iterator[tuple[str, str | None]]:
    """What `rule` says, and the URN of the resource that it says it of."""
    # Told to people, a violation that belongs to no resource ends `pulumi policy analyze` of 3.250.0 with a panic.
    stack = next((resource.urn for resource in args.resources if resource.resource_type == _STACK), None)
    configured = dict(args.get_config())
    for refusal in rule.refusals(configured):
        yield f"The pack's configuration is wrong: {refusal}. Correct the file given by --policy-pack-config.", stack
    for finding in rule.check(views.of(args), rule.values(configured)):
        yield rule.message(finding), finding.resource.urn if finding.resource else stack

"""Kubernetes' ValidatingAdmissionPolicy and its binding, as their authors write them.

Source: `admissionregistration.k8s.io/v1`, which v1beta1 and v1alpha1 are written like. What a
cluster refuses is refused; a field that is not known here is a warning, as it is there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.kinds import Field, Items, Model, Text

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
FailurePolicy = Literal["Fail", "Ignore"]
ValidationAction = Literal["Deny", "Warn", "Audit"]


class LabelRequirement(Model):
    """One requirement of a label selector."""

    key: Text
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Items[str] = ()


class LabelSelector(Model):
    """Labels that something must have; an empty one selects everything."""

    match_labels: dict[str, str] = Field(default={})
    match_expressions: Items[LabelRequirement] = ()


class ResourceRule(Model):
    """Operations on resources."""

    resource_names: Items[str] = ()
    operations: Items[Operation | Literal["*"]] = ()
    api_groups: Items[str] = ()
    api_versions: Items[str] = ()
    resources: Items[str] = ()
    scope: Literal["Cluster", "Namespaced", "*"] = "*"


class MatchResources(Model):
    """What a policy or binding is about."""

    namespace_selector: LabelSelector = LabelSelector()
    object_selector: LabelSelector = LabelSelector()
    resource_rules: Items[ResourceRule] = ()
    exclude_resource_rules: Items[ResourceRule] = ()
    match_policy: Literal["Exact", "Equivalent"] = "Equivalent"


class MatchCondition(Model):
    """A condition without which the policy has nothing to say."""

    name: Text
    expression: Text


class Variable(Model):
    """A value that expressions share, worked out where one reads it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    expression: Text


class Validation(Model):
    """One thing that must hold."""

    expression: Text
    message: str = ""
    message_expression: str | None = None
    reason: str = "Invalid"


class AuditAnnotation(Model):
    """A value that a cluster would write into its audit log."""

    key: Text
    value_expression: Text


class ParamKind(Model):
    """The kind of the documents that hold parameters."""

    api_version: Text
    kind: Text


class ValidatingAdmissionPolicySpec(Model):
    """What must hold of the resources that a cluster admits."""

    param_kind: ParamKind | None = None
    match_constraints: MatchResources
    match_conditions: Items[MatchCondition] = ()
    variables: Items[Variable] = ()
    validations: Items[Validation] = ()
    audit_annotations: Items[AuditAnnotation] = ()
    failure_policy: FailurePolicy = "Fail"


class ParamRef(Model):
    """The documents with the parameters of a binding."""

    name: str = ""
    namespace: str = ""
    selector: LabelSelector | None = None
    parameter_not_found_action: Literal["Allow", "Deny"] = "Deny"


class ValidatingAdmissionPolicyBindingSpec(Model):
    """Where a policy holds, with which parameters, and what a broken one does."""

    policy_name: Text
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None
    validation_actions: Annotated[Items[ValidationAction], Field(min_length=1)]


class ObjectMetadata(Model):
    """What is read of any object's metadata."""

    name: Text

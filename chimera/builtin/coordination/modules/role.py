"""Roles: what somebody who has one can do, who has it, and whether they may.

A capability is written `module.action`; `module.*` and `*` are all of a module's, and all. Refuses
to decide anything from a role's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from chimera.builtin.coordination.declaring import configured, stored
from chimera.builtin.coordination.protocol import Governed, Id, Maybe, Moment
from chimera.builtin.coordination.shelf import ALIASES, Call, Shelf
from chimera.kinds import Field, Items, Model, StringConstraints, Text
from chimera.runtime import ModuleType, OperationCall, PermanentError

HOLDERS = "role.holder"
"""Collection of who has which role, by `role id/principal`."""

Capability = Annotated[
    str, StringConstraints(pattern=r"^(\*|[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(\.\*)?)$")
]


class Role(Governed):
    """What somebody who has it can do."""

    role_id: Id = Field(description="Id of the role.")
    name: str = Field(description="What it is called, such as reviewer.")
    description: Maybe[str] = Field(default=None, description="What it is for.")
    capabilities: Maybe[Items[str]] = Field(
        default=None, description="What it can do, such as confirm.approve."
    )
    created_at: Maybe[Moment] = Field(default=None, description="When it was made.")
    updated_at: Maybe[Moment] = Field(default=None, description="When it last changed.")


class Configuration(Model):
    """Limits of the module `role`."""

    max_roles: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1000, description="Roles that there can be."
    )
    default_action: Text = Field(
        default="approve", description="What is asked for where checkPermissions does not say."
    )


SHELF = Shelf("role", Role, "role", stamps=True)
_ALIAS = re.compile(r"role-[0-9]+")


class Named(Model):
    """Which role is meant."""

    role_id: Text = Field(description="Id, alias or name of the role.")


class Created(Model):
    """The role that is asked for."""

    name: Text = Field(description="What it is called, such as reviewer; no other has this name.")
    description: str | None = Field(default=None, description="What it is for.")
    capabilities: Items[Capability] = Field(
        default=(), description="What it can do: module.action, module.* or *."
    )


class Updated(Named):
    """What of a role becomes something else; what is left out stays."""

    description: str | None = Field(default=None, description="What it is for.")
    capabilities: Items[Capability] | None = Field(
        default=None, description="What it can do from now on."
    )


class Held(Named):
    """Who gets or loses a role."""

    principal: Text = Field(description="Who: a person, an agent or a system.")


class Asked(Model):
    """Who wants to do what to which thing."""

    approvers: Items[Text] = Field(
        description="Who is asked about: roles by id, alias or name, or principals who have roles."
    )
    resource: Text = Field(description="What it is about, such as plan or an id.")
    action: Text | None = Field(
        default=None, description="What they want to do; the module's defaultAction if left out."
    )


class Query(Model):
    """Which roles are asked for."""

    capability: Text | None = Field(default=None, description="What they must be able to do.")
    principal: Text | None = Field(default=None, description="Who must have them.")
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(default=100, description="Most to give.")


class Given(Model):
    """A role."""

    role_id: Id = Field(description="Id of the role.")
    alias: str = Field(description="Its alias, such as role-001.")
    holders: Items[str] = Field(description="Who has it, in order.")
    role: Role = Field(description="The role, as the protocol states it.")


class Refused(Model):
    """Who may not, and why."""

    approver: str = Field(description="Who was asked about.")
    reason: str = Field(description="Why they may not.")


class Checked(Model):
    """Who may and who may not."""

    allowed: bool = Field(description="Whether all that were asked about may.")
    capability: str = Field(description="What it takes.")
    valid_approvers: Items[str] = Field(description="Who may, as they were asked about.")
    refused: Items[Refused] = Field(description="Who may not, and why.")


class Found(Model):
    """The roles that were found."""

    roles: Items[Role] = Field(description="The roles, in order of name.")
    count: int = Field(description="How many they are.")


class Deleted(Model):
    """What is gone."""

    role_id: Id = Field(description="Id of the role that was deleted.")


def admits(capabilities: tuple[str, ...], wanted: str) -> bool:
    """Tell whether one of the capabilities is or covers `wanted`."""
    return any(
        one in {"*", wanted} or (one.endswith(".*") and wanted.startswith(one[:-1]))
        for one in capabilities
    )


def can(call: Call, who: str, wanted: str) -> tuple[bool, str]:
    """Tell whether a role, or a principal by one of its roles, can do `wanted`, and why not."""
    role = SHELF.seek(call, who)
    roles = [role] if role is not None else _roles_of(call, who)
    if not roles:
        return False, "there is no role of this name, and nobody of this name has one"
    if any(admits(one.capabilities or (), wanted) for one in roles):
        return True, ""
    names = ", ".join(sorted(one.name for one in roles))
    return False, f"{names} cannot do {wanted}"


def _roles_of(call: Call, principal: str) -> list[Role]:
    held = [value["role"] for _, value in call.store.find(HOLDERS, principal=principal)]
    return [SHELF.get(call, id) for id in held]


def _create(call: OperationCall[Created]) -> Mapping[str, Any]:
    asked = call.inputs
    limit = configured(call, "role", Configuration).max_roles
    there = SHELF.count(call)
    if there >= limit:
        raise PermanentError(
            f"roles: {there}, and the module admits {limit}",
            help="delete one with role.delete, or raise maxRoles in the Module document",
        )
    if _ALIAS.fullmatch(asked.name):
        raise PermanentError(f"{asked.name} is how roles are numbered", help="choose another name")
    if SHELF.seek(call, asked.name) is not None:
        raise PermanentError(
            f"there is a role {asked.name} already", help="update it, or choose another name"
        )
    fields = {
        "name": asked.name,
        "description": asked.description,
        "capabilities": list(asked.capabilities),
    }
    role = SHELF.add(call, "created", fields)
    call.store.put(ALIASES, f"role/{role.name}", {"id": role.role_id})  # found by its name as well
    return _given(call, role)


def _get(call: OperationCall[Named]) -> Mapping[str, Any]:
    return _given(call, SHELF.get(call, call.inputs.role_id))


def _update(call: OperationCall[Updated]) -> Mapping[str, Any]:
    asked = call.inputs
    fields: dict[str, Any] = {}
    if asked.description is not None:
        fields["description"] = asked.description
    if asked.capabilities is not None:
        fields["capabilities"] = list(asked.capabilities)
    role = SHELF.get(call, asked.role_id)
    return _given(call, SHELF.change(call, role, "updated", fields))


def _assign(call: OperationCall[Held]) -> Mapping[str, Any]:
    role, who = SHELF.get(call, call.inputs.role_id), call.inputs.principal
    call.store.put(HOLDERS, f"{role.role_id}/{who}", {"role": role.role_id, "principal": who})
    return _given(call, SHELF.change(call, role, "assigned", {}, {"principal": who}))


def _revoke(call: OperationCall[Held]) -> Mapping[str, Any]:
    role, who = SHELF.get(call, call.inputs.role_id), call.inputs.principal
    if call.store.get(HOLDERS, f"{role.role_id}/{who}") is None:
        raise PermanentError(
            f"{who} does not have the role {role.name}", help="role.get shows who has it"
        )
    call.store.delete(HOLDERS, f"{role.role_id}/{who}")
    return _given(call, SHELF.change(call, role, "revoked", {}, {"principal": who}))


def _delete(call: OperationCall[Named]) -> Mapping[str, Any]:
    role = SHELF.get(call, call.inputs.role_id)
    for who in _holders(call, role):
        call.store.delete(HOLDERS, f"{role.role_id}/{who}")
    call.store.delete(ALIASES, f"role/{role.name}")
    SHELF.remove(call, role)
    return {"roleId": role.role_id}


def _check(call: OperationCall[Asked]) -> Mapping[str, Any]:
    asked = call.inputs
    action = asked.action or configured(call, "role", Configuration).default_action
    wanted = f"{asked.resource}.{action}"
    judged = {who: can(call, who, wanted) for who in dict.fromkeys(asked.approvers)}
    return {
        "allowed": bool(judged) and all(may for may, _ in judged.values()),
        "capability": wanted,
        "validApprovers": tuple(who for who, (may, _) in judged.items() if may),
        "refused": tuple(
            {"approver": who, "reason": reason} for who, (may, reason) in judged.items() if not may
        ),
    }


def _query(call: OperationCall[Query]) -> Mapping[str, Any]:
    asked = call.inputs
    roles = SHELF.find(call) if asked.principal is None else _roles_of(call, asked.principal)
    found = sorted(
        (
            role
            for role in roles
            if asked.capability is None or admits(role.capabilities or (), asked.capability)
        ),
        key=lambda role: role.name,
    )
    return {"roles": tuple(found[: asked.limit]), "count": len(found[: asked.limit])}


def _holders(call: Call, role: Role) -> tuple[str, ...]:
    found = call.store.find(HOLDERS, role=role.role_id)
    return tuple(sorted(value["principal"] for _, value in found))


def _given(call: Call, role: Role) -> Mapping[str, Any]:
    return {
        "roleId": role.role_id,
        "alias": SHELF.alias(call, role),
        "holders": _holders(call, role),
        "role": role,
    }


OPERATIONS = (
    stored("role.create", "Say what a role can do.", Created, Given, _create),
    stored("role.get", "Give a role.", Named, Given, _get),
    stored("role.update", "Change what a role can do.", Updated, Given, _update),
    stored("role.assign", "Give somebody a role.", Held, Given, _assign),
    stored("role.revoke", "Take a role from somebody.", Held, Given, _revoke),
    stored("role.delete", "Forget a role.", Named, Deleted, _delete),
    stored("role.checkPermissions", "Tell who may do something.", Asked, Checked, _check),
    stored("role.query", "Find roles.", Query, Found, _query),
)

TYPE = ModuleType(
    name="role",
    summary="What somebody who has a role can do, who has it, and whether they may.",
    configuration=Configuration,
    collections=("role", "role.facts", HOLDERS),
)

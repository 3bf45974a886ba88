"""People: login, homes, roles, and acting on behalf of those who do not use a phone."""

from services.residents.consents import consent, consents, named, withdraw_consent
from services.residents.helping import OnBehalfOf, Speaker, note_assistance, speaker
from services.residents.homes import (
    IS_ADULT,
    add_resident,
    claim_household,
    claims,
    confirm_claim,
    decline_claim,
    find_claim,
    find_resident,
    masked,
    update_household,
)
from services.residents.phones import bind_phone, full_name, phone, phone_masked
from services.residents.profile import Profile, profile, update_profile
from services.residents.roles import (
    StillCommittee,
    find_grant,
    grant_from_command_line,
    grant_role,
    revoke_role,
)
from services.residents.sessions import (
    Login,
    actor,
    actor_by_token,
    end_old_sessions,
    enrol,
    log_in,
    log_out,
    open_session,
)

__all__ = [
    "IS_ADULT",
    "Login",
    "OnBehalfOf",
    "Profile",
    "Speaker",
    "StillCommittee",
    "actor",
    "actor_by_token",
    "add_resident",
    "bind_phone",
    "claim_household",
    "claims",
    "confirm_claim",
    "consent",
    "consents",
    "decline_claim",
    "end_old_sessions",
    "enrol",
    "find_claim",
    "find_grant",
    "find_resident",
    "full_name",
    "grant_from_command_line",
    "grant_role",
    "log_in",
    "log_out",
    "masked",
    "named",
    "note_assistance",
    "open_session",
    "phone",
    "phone_masked",
    "profile",
    "revoke_role",
    "speaker",
    "update_household",
    "update_profile",
    "withdraw_consent",
]

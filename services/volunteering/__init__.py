"""Volunteering: activities with shifts, seats that are never oversold, check-in, and hours that a leader confirms."""

from services.volunteering.activities import ActivityView, ShiftPlan, ShiftView, find, listed, organise, visible
from services.volunteering.attendance import (
    CheckInClosed,
    CheckInCode,
    NotCheckedIn,
    NotSignedUp,
    StaleCode,
    check_in,
    check_in_code,
    check_out,
)
from services.volunteering.records import Hours, confirm_hours, hours, own_records
from services.volunteering.seats import (
    CancelClosed,
    ShiftStarted,
    cancel,
    fill_due,
    find_shift,
    find_signup,
    miscounted,
    sign_up,
    signups,
)

__all__ = [
    "ActivityView",
    "CancelClosed",
    "CheckInClosed",
    "CheckInCode",
    "Hours",
    "NotCheckedIn",
    "NotSignedUp",
    "ShiftPlan",
    "ShiftStarted",
    "ShiftView",
    "StaleCode",
    "cancel",
    "check_in",
    "check_in_code",
    "check_out",
    "confirm_hours",
    "fill_due",
    "find",
    "find_shift",
    "find_signup",
    "hours",
    "listed",
    "miscounted",
    "organise",
    "own_records",
    "sign_up",
    "signups",
    "visible",
]

"""The authorisation matrix: a sign for each role of tests/everything.py in its order, a thing, and operations on it.

`o` may (what then comes of it is a matter of states), `x` sees it and may not (403), `-` knows nothing of it (404),
`!` has to log in (401). The thing `*` is the plain one: published, open, running; where another is answered the same it
is not written. Lines are ordered by how many may. An operation that stands nowhere fails.

Roles: anonymous guest moved wu deng far · lin mei he ma chen zhao sun · qian root
"""

OBJECTS = {
    "hidden_need": {"need_id": "hidden_need"},
    "wish_in_review": {"wish_id": "wish_in_review"},
    "claimed_wish": {"wish_id": "claimed_wish"},
    "draft": {"campaign_id": "draft"},
    "aided": {"campaign_id": "aided"},
    "in_discussion": {"deliberation_id": "in_discussion"},
    "decided": {"deliberation_id": "decided"},
    "done_shift": {"shift_id": "done_shift"},
    "promise": {"pledge_id": "promise"},
    "decided_check": {"check_id": "decided_check"},
}

MATRIX = """
ooooooooooooooo  *  compare_places download_open_data read_open_data
ooooooooooooooo  *  check_health check_readiness export_log export_statement_csv export_statement_xlsx get_archive
ooooooooooooooo  *  get_calendar get_disclosure get_fund get_fund_rules get_log_head get_log_head_of_size
ooooooooooooooo  *  get_need_rules get_place get_resolution get_result get_statement hear_wechat_pay list_disclosures
ooooooooooooooo  *  list_fund_expenses list_log_heads list_places list_resolutions list_roll_lines list_transfers
ooooooooooooooo  *  list_voting_rules log_in open_picture prove_consistency prove_inclusion read_my_calendar
ooooooooooooooo  *  show_certificate show_metrics show_statistics verify_certificate
ooooooooooooooo  aided  list_campaign_expenses
!oooooooooooooo  *  accept_invitation ask_to_move_phone bind_phone claim_household close_my_calendar consent_for_child
!oooooooooooooo  *  delete_me export_me get_activity get_activity_calendar get_code get_constituency get_deliberation
!oooooooooooooo  *  get_electorate get_link get_me get_meeting get_my_points get_my_skills get_need get_own_roll_line
!oooooooooooooo  *  get_petition get_poster get_preferences get_roll get_volunteer_team get_wish give_consent
!oooooooooooooo  *  import_paper_ballots issue_certificate leave_household leave_volunteer_team list_activities
!oooooooooooooo  *  list_campaigns
!oooooooooooooo  *  list_certificates list_consents list_constituencies list_deliberation_comments list_deliberations
!oooooooooooooo  *  list_disputed_records list_guardianships list_household_claims list_inbox list_meetings
!oooooooooooooo  *  list_my_assistances list_my_decisions list_my_reports list_need_comments list_needs
!oooooooooooooo  *  list_objections list_option_proposals list_paper_batches list_pauses list_petitions
!oooooooooooooo  *  list_phone_moves list_point_transfers list_questions list_resident_links list_service_records
!oooooooooooooo  *  list_similar_needs
!oooooooooooooo  *  list_subscriptions list_units list_volunteer_team_members list_volunteer_teams list_wishes log_out
!oooooooooooooo  *  read_inbox renew_my_calendar report_subscriptions resolve_code set_my_skills
!oooooooooooooo  *  unendorse_need unsign_petition unsupport_comment update_me update_preferences upload_picture
!oooooooooooooo  *  withdraw_consent
!oooooooooooooo  aided  export_campaign_accounts_csv export_campaign_accounts_xlsx get_campaign get_campaign_accounts
!oooooooooooooo  aided  get_refunds list_campaign_comments list_incomes list_matches list_pledges list_sale_items
!oooooooooooooo  aided  list_teams list_use_changes
!oooooxoooooooo  *  report_content
!-----ooooooooo  *  export_campaign_accounts_csv export_campaign_accounts_xlsx get_campaign get_campaign_accounts
!-----ooooooooo  *  get_refunds get_team leave_team list_campaign_comments list_helpers list_incomes list_matches
!-----ooooooooo  *  list_pledges list_sale_items list_teams list_use_changes
!xxxxxooooooooo  *  list_role_holders
------ooooooooo  *  list_campaign_expenses
!-----oooooo-oo  *  get_objection
!-----oooooooxx  *  comment_on_campaign found_team join_team make_pledge
!xxxoxxxooooxoo  *  export_needs_csv export_needs_xlsx
!xxxxxoooooooxx  *  ask_question cancel_signup cast_ballot check_in_at_meeting comment_on_deliberation comment_on_need
!xxxxxoooooooxx  *  found_volunteer_team join_volunteer_team judge_decision post_wish propose_deliberation
!xxxxxoooooooxx  *  propose_option register_unit reopen_need sign_petition sign_up_for_shift start_petition
!xxxxxoooooooxx  *  submit_need
!xxxxxoooooooxx  aided  comment_on_campaign found_team make_pledge
!xxxxxoooooooxx  decided  object_to_roll
!xxxxxoooooooxx  in_discussion  object_to_roll
--------ooooooo  *  get_expense
!------o--ooooo  *  list_relatives
!xx--xoooooooxx  *  spend_points
!xxxxxoxoooooxx  *  support_comment
!xxxxxxooooooxx  *  claim_wish endorse_need
!---------ooooo  *  get_match get_slip
!------ooooo---  *  get_pledge
!-----o-oooo---  *  get_household get_representative_change get_service_record list_invitations list_owners
!-----o-oooo---  hidden_need  comment_on_need get_need list_need_comments reopen_need unendorse_need
!xxxoxxxxoooxox  *  list_moderation_queue
!xxxxxxxxxooooo  *  list_audit_trail list_bill_days list_owed_questions list_slips set_fund_rules
!-------oooo---  *  export_paper_report get_assistance get_paper_batch
!-----x-oooo---  *  register_resident
!-------oooo---  draft  comment_on_campaign export_campaign_accounts_csv export_campaign_accounts_xlsx found_team
!-------oooo---  draft  get_campaign get_campaign_accounts get_refunds list_campaign_comments list_incomes
!-------oooo---  draft  list_matches list_pledges list_sale_items list_teams list_use_changes make_pledge
!-------oooo---  draft  offer_sale_items request_expense submit_campaign
!-------oxoooxx  *  approve_expense reject_expense
!------o--xxooo  *  declare_relative
!------xoooo---  *  receive_pledge
!-----x-oooo---  *  correct_hours get_household_history resolve_dispute
!-----x-oooo---  hidden_need  accept_need answer_need decline_need endorse_need escalate_need finish_need merge_need
!-----x-oooo---  hidden_need  return_need route_need
!-----xxooooxxx  *  offer_sale_items request_expense submit_campaign
!-----xxxxoo-oo  *  correct_objection dismiss_objection strike_from_roll
!xxxxxooxxooxxx  claimed_wish  state_wish_case
!xxxxxxxooooxxx  *  accept_need answer_need cancel_activity cancel_shift cast_assisted_ballot change_activity
!xxxxxxxooooxxx  *  change_shift confirm_hours create_campaign decline_need escalate_need finish_need get_meeting_code
!xxxxxxxooooxxx  *  list_attendances list_calls list_signups merge_need organise_activity print_ballot_sheets
!xxxxxxxooooxxx  *  print_calls print_codes put_up_resolution request_fund_expense return_need route_need
!xxxxxxxooooxxx  *  take_down_resolution
!xxxxxxxooooxxx  aided  offer_sale_items request_expense submit_campaign
!xxxxxxxxxooxoo  *  set_need_rules set_voting_rules
--------oooo---  draft  list_campaign_expenses
!--------ooo---  *  approve_content hide_content
!-------oxoo---  *  withdraw_paper_batch
!-------xooo---  *  object_to_assistance
!------o--oo---  *  end_unit get_unit
!------oxxoo---  *  refund_pledge
!-----o---oo---  *  withdraw_guardianship
!-----o---oo---  wish_in_review  get_wish list_wish_disclosures state_wish_case withdraw_wish
!-----o---oo---  wish_in_review  withdraw_wish_photo_consent
!-----o-xxoo---  *  confirm_representative decline_representative revoke_invitation
!-----oxxxooxxx  *  hand_team_over
!o--------oo---  *  decline_resident_link get_phone_move get_resident_link
!x------o-oo---  *  confirm_household_claim decline_household_claim
!xxxxxoxxxooxxx  *  list_wish_disclosures state_wish_case withdraw_wish withdraw_wish_photo_consent
!xxxxxoxxxooxxx  decided  withdraw_deliberation
!xxxxxoxxxooxxx  in_discussion  withdraw_deliberation
!xxxxxxoxxooxxx  *  finish_follow_up hand_volunteer_team_over
!xxxxxxxxoooxxx  *  list_households
!---------ooxxx  *  correct_transfer countersign_slip decline_match decline_slip enter_match_payment hand_back_gift
!--------xoo---  *  lift_pause
!-------xxoo---  *  ask_to_link_resident
!-----x-xxoo---  *  set_owners update_household
!-------xxoo---  draft  accept_campaign announce_use_change cancel_campaign enter_offline_gift extend_campaign
!-------xxoo---  draft  note_income promise_match publish_campaign settle_campaign
!-------xxooxxx  *  pay_expense
!------x--oo---  *  confirm_unit
!------x--xxxoo  *  strike_relative
!-----x---oo---  wish_in_review  approve_wish attest_wish claim_wish resolve_wish
!-----x-xxoo---  hidden_need  set_need_urgency
!-----xxxxooxxx  *  accept_campaign announce_use_change cancel_campaign enter_offline_gift extend_campaign note_income
!-----xxxxooxxx  *  promise_match publish_campaign settle_campaign
!x--------oo---  *  confirm_phone_move decline_phone_move
!xxxxxxxxxooxxx  *  accept_option answer_petition answer_question approve_wish attest_wish call_meeting
!xxxxxxxxxooxxx  *  cancel_follow_up cancel_meeting change_constituency close_voting decline_option draw_constituency
!xxxxxxxxxooxxx  *  end_representative_term enter_gift_to_fund grant_role hide_comment hide_shown implement_decision
!xxxxxxxxxooxxx  *  list_ballots open_discussion open_voting put_meeting_on_record record_representative renew_role
!xxxxxxxxxooxxx  *  resolve_wish restore_hidden review_decision revoke_certificate revoke_role set_follow_up
!xxxxxxxxxooxxx  *  set_need_urgency unpin_comment withdraw_deliberation
!xxxxxxxxxooxxx  aided  accept_campaign announce_use_change cancel_campaign enter_offline_gift extend_campaign
!xxxxxxxxxooxxx  aided  note_income promise_match publish_campaign settle_campaign
!xxxxxxxxxxxxoo  *  add_place set_calendar
!---------xoxxx  *  countersign_match
!-------xoxxxxx  *  withdraw_expense
!------o-------  decided_check  appeal_decision
!------oxxxx---  *  choose_shift get_receipt hand_pledge_over withdraw_pledge
------o--------  *  get_certificate_picture
!-----o--------  *  get_picture
!-----o---xx---  wish_in_review  confirm_wish consent_to_wish_photo dispute_wish publish_wish_thanks
!-----o---xx---  wish_in_review  record_wish_contact withdraw_wish_contact
!-----o-xxxx---  *  dispute_hours make_invitation propose_representative withdraw_representative
!-----o-xxxx---  hidden_need  rate_need withdraw_need
!o--------xx---  *  confirm_resident_link
!xxxxxoxxxxxxxx  *  confirm_wish consent_to_wish_photo dispute_wish publish_wish_thanks rate_need record_wish_contact
!xxxxxoxxxxxxxx  *  withdraw_need withdraw_petition withdraw_wish_contact
!xxxxxoxxxxxxxx  claimed_wish  get_wish_contact share_wish_contact unshare_wish_contact
!xxxxxoxxxxxxxx  done_shift  check_in check_out report_task
!xxxxxxoxxxxxxx  *  accept_volunteer_team_member check_in check_out decline_volunteer_team_member report_task
!xxxxxxoxxxxxxx  *  object_to_roll withdraw_option
!xxxxxxoxxxxxxx  claimed_wish  ask_wish_extension fulfil_wish release_wish
!xxxxxxxxoxxxxx  *  get_checkin_code mark_no_show
!xxxxxxxxxxoxxx  *  strike_income
!--------------  *  appeal_decision
!--------------  wish_in_review  extend_wish_claim
!---------xx---  wish_in_review  get_wish_contact share_wish_contact unshare_wish_contact
!-------xx-----  *  end_membership
!-----x---xx---  wish_in_review  ask_wish_extension fulfil_wish release_wish
!xxxxx-xxx--xxx  *  extend_wish_claim
!xxxxx-xxxxxxxx  *  get_wish_contact share_wish_contact unshare_wish_contact
!xxxxxxx----xxx  *  mark_called
!xxxxxxxxxxxxxx  *  ask_wish_extension fulfil_wish pin_comment release_wish
!xxxxxxxxxxxxxx  done_shift  mark_no_show
xxxxxxxxxxxxxxx  *  check_push_address hear_wechat_push
"""

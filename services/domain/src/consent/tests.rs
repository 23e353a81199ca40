#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::data_map::Purpose;
use crate::request::SubjectState;

fn event(action: Action, occurred: i64, recorded: i64, seq: i64) -> ConsentEvent {
    let shown = Shown {
        notice: Name::new("newsletter").unwrap(),
        version: 2,
        language: Language::new("en").unwrap(),
    };
    ConsentEvent {
        id: EventId(uuid::Uuid::from_u128(u128::from(seq.unsigned_abs()))),
        purpose: Name::new("marketing").unwrap(),
        action,
        shown: Some(shown),
        occurred_at: Time(occurred),
        recorded_at: Time(recorded),
        seq,
    }
}

fn state(events: &[ConsentEvent], terms: &Terms, at: i64) -> CurrentConsent {
    CurrentConsent::fold_at(events.iter().cloned(), terms, Time(at))
}

#[test]
fn a_language_is_written_as_it_was_read() {
    let language = Language::new("de-AT").unwrap();
    assert_eq!(serde_json::to_value(&language).unwrap(), "de-AT");
    assert_eq!(serde_json::from_str::<Language>("\"de-AT\"").unwrap(), language);
}

#[test]
fn the_latest_event_decides() {
    let events = [
        event(Action::Granted, 10, 10, 1),
        event(Action::Withdrawn, 20, 20, 2),
        event(Action::Refused, 30, 30, 3),
    ];
    let states: Vec<State> =
        [9, 10, 19, 20, 30].map(|at| state(&events, &Terms::default(), at).state).into();
    assert_eq!(
        states,
        [State::None, State::Granted, State::Granted, State::Withdrawn, State::Refused]
    );
    assert_eq!(state(&events, &Terms::default(), 25).since, Some(Time(20)));
}

#[test]
fn what_was_learned_later_was_not_known() {
    let events = [event(Action::Granted, 10, 10, 1), event(Action::Withdrawn, 20, 40, 2)];
    let known = |at| {
        let known = known_at(events.iter().cloned(), Time(at));
        known.map(|event| event.action).collect::<Vec<_>>()
    };
    assert_eq!(known(9), []);
    assert_eq!((known(10), known(39)), (vec![Action::Granted], vec![Action::Granted]));
    assert_eq!(known(40), [Action::Granted, Action::Withdrawn]);
}

#[test]
fn on_a_tie_the_withdrawal_wins_whatever_came_first() {
    for seqs in [(1, 2), (2, 1)] {
        let events =
            [event(Action::Withdrawn, 10, 10, seqs.0), event(Action::Granted, 10, 10, seqs.1)];
        assert_eq!(state(&events, &Terms::default(), 10).state, State::Withdrawn);
    }
}

#[test]
fn a_grant_expires_to_the_microsecond() {
    let day = Time::parse("2024-02-29T10:00:00Z").unwrap();
    let end = Time::parse("2025-02-28T10:00:00Z").unwrap();
    let terms = Terms { validity: Some("P1Y".parse().unwrap()), renewals: Vec::new() };
    let events = [event(Action::Granted, day.0, day.0, 1)];
    let before = state(&events, &terms, end.0 - 1);
    assert_eq!((before.state, before.expires_at), (State::Granted, Some(end)));
    let after = state(&events, &terms, end.0);
    assert_eq!((after.state, after.since), (State::Expired, Some(end)));
    let withdrawn = [event(Action::Withdrawn, day.0, day.0, 1)];
    assert_eq!(state(&withdrawn, &terms, end.0).state, State::Withdrawn);
}

#[test]
fn a_notice_that_asks_for_renewal_outdates_older_grants() {
    let renewal = |notice: &str, version| Terms {
        validity: None,
        renewals: vec![Renewal { notice: Name::new(notice).unwrap(), version, from: Time(50) }],
    };
    let events = [event(Action::Granted, 10, 10, 1)];
    assert_eq!(state(&events, &renewal("newsletter", 3), 49).state, State::Granted);
    let outdated = state(&events, &renewal("newsletter", 3), 50);
    assert_eq!((outdated.state, outdated.since), (State::Outdated, Some(Time(50))));
    assert_eq!(state(&events, &renewal("newsletter", 2), 60).state, State::Granted);
    assert_eq!(state(&events, &renewal("offers", 1), 60).state, State::Outdated);
}

#[test]
fn a_grant_is_outdated_since_the_first_renewal_that_it_does_not_meet() {
    let notice = Name::new("newsletter").unwrap();
    let renewal = |version, from| Renewal { notice: notice.clone(), version, from: Time(from) };
    let renewals = vec![renewal(5, 70), renewal(2, 20), renewal(3, 50)];
    let terms = Terms { validity: None, renewals };
    let early = [event(Action::Granted, 10, 10, 1)];
    for at in [50, 60, 80] {
        let outdated = state(&early, &terms, at);
        assert_eq!((outdated.state, outdated.since), (State::Outdated, Some(Time(50))), "{at}");
    }
    assert_eq!(state(&early, &terms, 49).state, State::Granted, "version 2 meets the first one");
    let late = [event(Action::Granted, 60, 60, 1)];
    let outdated = state(&late, &terms, 60);
    assert_eq!((outdated.state, outdated.since), (State::Outdated, Some(Time(60))), "at once");
    let stepped_back = CurrentConsent::of(Latest::fold(early), &terms, Time(30));
    assert_eq!(stepped_back.state, State::Outdated, "also when the clock stepped back");
}

#[test]
fn expiry_keeps_the_day_of_the_month_or_takes_the_last() {
    let terms = |period: &str| Terms { validity: Some(period.parse().unwrap()), renewals: vec![] };
    for (period, granted, end) in [
        ("P1M", "2026-01-31T12:00:00Z", "2026-02-28T12:00:00Z"),
        ("P1M", "2028-01-31T23:59:59.999999Z", "2028-02-29T23:59:59.999999Z"),
        ("P13M", "2026-01-31T00:00:00Z", "2027-02-28T00:00:00Z"),
        ("P30D", "2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z"),
    ] {
        let (granted, end) = (Time::parse(granted).unwrap(), Time::parse(end).unwrap());
        let events = [event(Action::Granted, granted.0, granted.0, 1)];
        let before = state(&events, &terms(period), end.0 - 1);
        assert_eq!((before.state, before.expires_at), (State::Granted, Some(end)), "{period}");
        assert_eq!(state(&events, &terms(period), end.0).state, State::Expired, "{period}");
    }
}

#[test]
fn what_was_known_when() {
    let events = vec![event(Action::Granted, 10, 10, 1), event(Action::Withdrawn, 5, 40, 2)];
    let known: Vec<_> = known_at(events.clone(), Time(39)).collect();
    assert_eq!(state(&known, &Terms::default(), 7).state, State::None);
    assert_eq!(state(&events, &Terms::default(), 7).state, State::Withdrawn);
    assert_eq!(state(&events, &Terms::default(), 10).state, State::Granted);
}

#[test]
fn a_withdrawal_counts_even_when_the_clock_stepped_back() {
    let grant = event(Action::Granted, 100, 100, 1);
    let now = Time(40);
    let at = next_occurred_at(now, Some(grant.occurred_at));
    assert!(at > grant.occurred_at);
    let latest = Latest(Some(grant)).apply(event(Action::Withdrawn, at.0, now.0, 2));
    assert_eq!(CurrentConsent::of(latest, &Terms::default(), now).state, State::Withdrawn);
    assert_eq!(next_occurred_at(Time(7), None), Time(7));
    assert_eq!(next_occurred_at(Time(7), Some(Time(3))), Time(7));
}

#[test]
fn a_grant_needs_a_notice_and_a_withdrawal_does_not() {
    assert!(ConsentEvent::check_shown(Action::Granted, None).is_err());
    assert!(ConsentEvent::check_shown(Action::Withdrawn, None).is_ok());
    assert!(ConsentEvent::check_shown(Action::Refused, None).is_ok());
}

#[test]
fn languages_are_short_tags() {
    for good in ["en", "de-AT", "gsw", "zh-Hant-TW", "en-US-x1"] {
        assert!(Language::new(good).is_ok(), "{good}");
    }
    for bad in ["", "e", "en_US", "en-", "-en", "english", "en-a-b", "e\u{0}"] {
        assert!(Language::new(bad).is_err(), "{bad}");
    }
}

fn purpose(basis: &str, direct_marketing: bool) -> Purpose {
    serde_json::from_value(serde_json::json!({
        "title": "t", "lawful_basis": basis, "reads": {}, "direct_marketing": direct_marketing,
    }))
    .unwrap()
}

const PLAIN: Standing = Standing { subject: SubjectState::Active, objected: false, ended: false };

#[test]
fn consent_purposes_hold_only_while_granted() {
    let wanted = [
        (State::Granted, Ok(())),
        (State::None, Err(NotPermitted::ConsentNone)),
        (State::Refused, Err(NotPermitted::ConsentRefused)),
        (State::Withdrawn, Err(NotPermitted::ConsentWithdrawn)),
        (State::Expired, Err(NotPermitted::ConsentExpired)),
        (State::Outdated, Err(NotPermitted::ConsentOutdated)),
    ];
    for (state, result) in wanted {
        let consent = CurrentConsent { state, ..CurrentConsent::none() };
        assert_eq!(purpose_holds(&purpose("consent", false), &consent, PLAIN), result);
        assert_eq!(purpose_holds(&purpose("vital_interests", false), &consent, PLAIN), Ok(()));
    }
}

#[test]
fn each_basis_has_its_own_end() {
    let ended = Standing { ended: true, ..PLAIN };
    let objected = Standing { objected: true, ..PLAIN };
    let none = CurrentConsent::none();
    let cases = [
        ("contract", false, ended, Err(NotPermitted::Ended)),
        ("contract", false, objected, Ok(())),
        ("contract", true, objected, Err(NotPermitted::Objected)),
        ("legal_obligation", false, ended, Ok(())),
        ("legal_obligation", false, objected, Ok(())),
        ("public_task", false, objected, Err(NotPermitted::Objected)),
        ("legitimate_interests", false, objected, Err(NotPermitted::Objected)),
        ("legitimate_interests", false, ended, Ok(())),
    ];
    for (basis, marketing, standing, wanted) in cases {
        assert_eq!(purpose_holds(&purpose(basis, marketing), &none, standing), wanted, "{basis}");
    }
}

#[test]
fn restriction_and_erasure_stop_every_purpose() {
    let granted = CurrentConsent { state: State::Granted, ..CurrentConsent::none() };
    for basis in crate::data_map::LawfulBasis::ALL {
        let purpose = purpose(basis.as_str(), false);
        let at = |subject| purpose_holds(&purpose, &granted, Standing { subject, ..PLAIN });
        assert_eq!(at(SubjectState::Restricted), Err(NotPermitted::Restricted));
        assert_eq!(at(SubjectState::Erasing), Err(NotPermitted::Erasing));
    }
    assert_eq!(Refusal::from(NotPermitted::Restricted).code.status(), 423);
    assert_eq!(Refusal::from(NotPermitted::Erasing).code.status(), 409);
    for reason in NotPermitted::ALL {
        let detail = Refusal::from(*reason).detail.unwrap();
        assert!(detail.contains(&format!("({reason})")), "{detail}");
    }
}

fn any_event() -> impl Strategy<Value = ConsentEvent> {
    (prop::sample::select(Action::ALL), 0i64..6, 0i64..20, 0i64..1000)
        .prop_map(|(action, occurred, recorded, seq)| event(action, occurred, recorded, seq))
}

proptest! {
    #[test]
    fn folding_equals_applying_in_any_order(
        (events, shuffled) in prop::collection::vec(any_event(), 0..12)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        at in 0i64..8,
    ) {
        let applied = shuffled.iter().cloned().fold(Latest::default(), Latest::apply);
        let rank = |l: &Latest| l.0.as_ref().map(|e| (e.occurred_at, e.action, e.seq));
        prop_assert_eq!(rank(&Latest::fold(events.clone())), rank(&applied));

        let until: Vec<_> = events.into_iter().filter(|e| e.occurred_at.0 <= at).collect();
        let newest = until.iter().map(|e| e.occurred_at).max();
        let decided = state(&until, &Terms::default(), at);
        prop_assert_eq!(decided.since, newest);
        let withdrawn = until
            .iter()
            .any(|e| Some(e.occurred_at) == newest && e.action == Action::Withdrawn);
        prop_assert_eq!(decided.state == State::Withdrawn, withdrawn);
    }
}
